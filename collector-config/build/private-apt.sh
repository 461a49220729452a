# Sourced, not run: `private_apt DIR` makes apt read the newest packages of this system's own distribution (Debian's sid,
# Ubuntu's devel) into DIR, and leaves the system's own lists, cache and packages alone. It needs no root.
# OTELML_MIRROR and OTELML_SUITE name another mirror or suite.
private_apt() {
  local dir=$1 id mirror suite components keyring
  id=$(. /etc/os-release && echo "$ID")
  case $id in
    debian) suite=sid components=main keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
    ubuntu) suite=devel components="main universe" keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
    *) echo "$id is neither Debian nor Ubuntu; put an otelcol-contrib on the PATH instead." >&2; return 1 ;;
  esac
  # Both formats of apt's sources; in the one-line format, options in brackets may stand before the address.
  mirror=${OTELML_MIRROR:-$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -nE -e 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p' -e 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' |
    grep -m 1 -E "/$id(-ports)?/?$" || true)}
  [ -n "$mirror" ] || { echo "apt's sources name no mirror of $id; set OTELML_MIRROR." >&2; return 1; }
  mkdir -p "$dir"/{lists/partial,cache/archives/partial,deb,root}
  echo "deb [signed-by=$keyring] $mirror ${OTELML_SUITE:-$suite} $components" > "$dir/sources.list"
  cat > "$dir/apt.conf" <<CONF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir/cache";
APT::Sandbox::User "";
CONF
  export APT_CONFIG="$dir/apt.conf"
  apt-get update -qq
}

# unpack DIR PACKAGE...: downloads packages without what they depend on, and unpacks them into DIR/root.
unpack() {
  local dir=$1 file
  shift
  (cd "$dir/deb" && apt-get download -qq "$@")
  for file in "$dir"/deb/*.deb; do dpkg-deb -x "$file" "$dir/root"; done
}
