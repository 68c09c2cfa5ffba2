#!/bin/sh
# install.sh SOURCE ROOT: the program and its libraries into ROOT/opt/revproxy, and the places where it writes.
#
# Runs while the image is built; nothing of it is in the image. Byte code is made here, once, and by contents instead
# of dates: the root of a running front end is read-only, and two builds are to be the same.
set -eu
source=$1 root=$2 venv=/opt/revproxy user=65532
cd "$source"
# The data path becomes machine code (docs/decisions/0009-compiled.md); mypy looks at the types of the libraries.
echo "$venv/lib/python3.11/site-packages" >/build/tools/lib/python3.11/site-packages/libraries.pth
REVPROXY_COMPILE=1 /build/tools/bin/python -m pip wheel -q --no-deps --no-build-isolation --no-index --wheel-dir /build/wheel .
/build/tools/bin/python -m pip --python "$venv/bin/python" install -q --no-deps --no-index /build/wheel/*.whl
# Programs of the libraries (servers, formatters) are not ours to offer.
find "$venv/bin" -mindepth 1 ! -name 'python*' ! -name revproxy -delete
find "$venv" -name direct_url.json -delete
find "$venv/lib/python3.11/site-packages/revproxy" -name '*.so' -exec strip --strip-unneeded {} +

mkdir -p "$root/opt"
cp -a "$venv" "$root/opt/"
find "$root" -name __pycache__ -prune -exec rm -rf {} +
"$venv/bin/python" -m compileall -q -j 1 --invalidation-mode unchecked-hash -s "$root" -p / \
    "$root/usr/lib/python3.11" "$root$venv/lib"

printf 'root:x:0:0:root:/:/nonexistent\nrevproxy:x:%s:%s:revproxy:/:/nonexistent\n' $user $user >"$root/etc/passwd"
printf 'root:x:0:\nrevproxy:x:%s:\n' $user >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
install -d -m 0755 "$root/etc/revproxy"
for folder in run/revproxy var/spool/revproxy var/cache/revproxy var/lib/revproxy var/log/revproxy; do
    install -d "$root/${folder%/*}"
    install -d -m 0700 -o $user -g $user "$root/$folder"
done
install -d -m 1777 "$root/tmp"
# Does all of it load, with nothing but what is in the image?
chroot "$root" "$venv/bin/python" -c 'import importlib, pkgutil, revproxy
for module in pkgutil.walk_packages(revproxy.__path__, "revproxy."):
    module.name.endswith("__main__") or importlib.import_module(module.name)'
