#!/bin/sh
# unpack.sh LIST ROOT: unpacks Debian packages of LIST into ROOT, without running a script of theirs.
#
# Runs while the image is built; nothing of it is in the image. What nobody needs at run time is left out: documents
# other than licences, translations, shells' settings, and modules of Python for installing and for terminals.
set -eu
list=$1 root=$2
packages=$(sed 's/#.*//' "$list")
mkdir -p "$root/var/lib/dpkg/status.d" /tmp/debs
cd /tmp/debs
# shellcheck disable=SC2086 # words on purpose: package names have no spaces
apt-get download -qq $packages
for deb in *.deb; do
    name=$(dpkg-deb -f "$deb" Package)
    dpkg-deb -x "$deb" "$root"
    dpkg-deb -f "$deb" >"$root/var/lib/dpkg/status.d/$name"
done
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/share/doc" -type l -delete
cd "$root"
rm -rf boot etc/default etc/dpkg etc/profile.d etc/skel etc/update-motd.d home media mnt opt root srv usr/games usr/local \
    usr/share/binfmts usr/share/bug usr/share/gcc usr/share/gdb usr/share/lintian usr/share/locale usr/share/man \
    usr/share/python3 var/backups var/local var/lock var/mail var/opt var/run var/tmp
# Python decodes by itself; the C library's tables are for iconv().
rm -rf usr/lib/*/gconv
cd usr/lib/python3.11
rm -rf distutils ensurepip lib2to3 pydoc_data test turtledemo
# Terminals, local databases and passwords: what they need is not in the image.
(cd lib-dynload && rm -f _crypt.* _curses*.* _dbm.* _gdbm.* _sqlite3.* nis.* ossaudiodev.* readline.*)
cd "$root"
find . -type d -empty -path './usr/*' -delete
# Authorities by which internal servers with TLS are verified where the configuration names none.
mkdir -p etc/ssl/certs
cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ca-certificates.crt
mkdir -p usr/lib/ssl
ln -sfn /etc/ssl/certs usr/lib/ssl/certs
ln -sfn /etc/ssl/certs/ca-certificates.crt usr/lib/ssl/cert.pem
