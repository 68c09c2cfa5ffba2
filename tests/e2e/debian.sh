#!/bin/sh
# Installs the Debian packages that the end-to-end tests drive, where that is possible: root and apt-get.
# Never fails: a test whose program is missing says so and is skipped.
missing=
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "end-to-end tests: not installed and cannot be (no root or no apt-get):$missing"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# Packaged services must not start by themselves: the tests start their own, on their own ports.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=yes; }
apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    echo "end-to-end tests: apt-get could not install:$missing"
[ "${made:-}" = yes ] && rm -f "$policy"
exit 0
