#!/usr/bin/env bash
# Downloads packages of Debian's or Ubuntu's newest suite and unpacks them into DIR/root, without installing anything:
#   package.sh DIR PACKAGE...
# For programs without dependencies but the C library, such as victoria-metrics and prometheus.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: package.sh DIR PACKAGE...}"
dir=$(cd "$1" && pwd)
shift
. "$here/private-apt.sh"
private_apt "$dir"
unpack "$dir" "$@"
rm -rf "$dir"/{deb,lists,cache}
