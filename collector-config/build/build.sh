#!/usr/bin/env bash
# Builds the genuine OpenTelemetry Collector from the Go sources that Debian and Ubuntu package, without touching the system:
#   build.sh DIR  ->  DIR/otelcol        the core components
#                     DIR/otelcol-check  the same and stand-ins for the contrib components that our configs name: for `validate` only
# About 130 MB to download and two to four minutes on two cores; nothing is done where both were built of these sources already. It needs apt, dpkg
# and a Debian or Ubuntu of 2022 or later. Where `otelcol-contrib` is on the PATH nothing here is needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: build.sh DIR}"
dir=$(cd "$1" && pwd)
recipe=$(cat "$here/packages.txt" "$here"/src/*.go | sha256sum)
[ -x "$dir/otelcol" ] && [ -x "$dir/otelcol-check" ] && [ "$(cat "$dir/recipe" 2>/dev/null)" = "$recipe" ] && exit 0

. "$here/private-apt.sh"
private_apt "$dir"
go=$(apt-cache depends golang-go | awk '/Depends: golang-1/ {print $2; exit}')
go=${go%-go}
unpack "$dir" $(cat "$here/packages.txt") "$go-go" "$go-src"
version=$(dpkg-deb -f "$dir"/deb/golang-opentelemetry-collector-dev_*.deb Version)

mkdir -p "$dir/gopath/src/otelcol"
cp "$here"/src/*.go "$dir/gopath/src/otelcol/"
export GOROOT="$dir/root/usr/lib/go-${go#golang-}" GOPATH="$dir/gopath:$dir/root/usr/share/gocode" GOCACHE="$dir/gocache"
export GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=0
for name in otelcol otelcol-check; do
  tags=
  [ $name = otelcol-check ] && tags=contrib
  "$GOROOT/bin/go" build -trimpath -tags "$tags" -ldflags "-s -w -X main.version=${version%%-*}" -o "$dir/$name" otelcol
done
rm -rf "$dir"/{deb,root,gopath,gocache,lists,cache}  # about 1.5 GB that only the build needed
echo "$recipe" > "$dir/recipe"
"$dir/otelcol" --version
