#!/bin/sh
# build-image.sh OUT: builds the image without a container engine, and says what is in it. Needs root, buildah, python3.
#
# OUT gets  revproxy.tar.gz       the image, for `docker load` or `podman load`
#           sbom.cdx.json         what it consists of (CycloneDX): Debian's packages and Python's
#           packages.txt          the same, one a line, with versions
#           image.txt             its id, the digest of its contents (the same for the same contents), its size
#
# From the environment:
#   BASE      the base by digest, from a registry or made before; without it debootstrap makes one of Debian 12
#   MIRROR    where debootstrap takes Debian from; its own default otherwise
#   SOURCES   apt's sources for the made base; this machine's own where it is a Debian 12 too (for security updates)
#   PIP_CERT  an authority to verify the package index by, where it is not one of the usual ones; not kept
#   SOURCE_DATE_EPOCH   the time that all files get
#   STORE     where buildah keeps its images; a folder of OUT otherwise
set -eu
here=$(cd "$(dirname "$0")" && pwd) suite=bookworm
out=${1:?usage: build-image.sh OUT}
mkdir -p "$out"
out=$(cd "$out" && pwd)
store=${STORE:-$out/store}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800}
export SOURCE_DATE_EPOCH

for program in buildah python3 ${BASE:-debootstrap}; do
    case "$program" in *@sha256:* | localhost/*) continue ;; esac
    command -v "$program" >/dev/null || { echo "build-image.sh: $program is not installed" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "build-image.sh: needs root" >&2; exit 2; }

build() { buildah --root "$store/images" --runroot "$store/run" "$@"; }

own_sources() {
    grep -qs "^VERSION_CODENAME=$suite" /etc/os-release || return 0
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ -s "$file" ] && { echo "$file"; return 0; }
    done
}

make_base() {
    root=$store/base
    rm -rf "$root"
    debootstrap --variant=minbase "$suite" "$root" ${MIRROR:+"$MIRROR"} >"$out/debootstrap.log"
    sources=${SOURCES:-$(own_sources)}
    if [ -n "$sources" ]; then
        rm -f "$root/etc/apt/sources.list"
        case "$sources" in
            *.sources) cp "$sources" "$root/etc/apt/sources.list.d/" ;;
            *) cp "$sources" "$root/etc/apt/sources.list" ;;
        esac
    fi
    container=$(build from scratch)
    build add -q "$container" "$root" / >/dev/null
    build commit -q --rm "$container" localhost/revproxy-base >/dev/null
    rm -rf "$root"
}

mkdir -p "$store"
[ -n "${BASE:-}" ] || { make_base; BASE=localhost/revproxy-base; }
# The other format, OCI, has no health check.
build build --isolation chroot --format docker --layers=false --timestamp "$SOURCE_DATE_EPOCH" \
    --build-arg "BASE=$BASE" --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" \
    ${PIP_CERT:+--secret "id=ca,src=$PIP_CERT"} \
    -f "$here/Dockerfile" -t localhost/revproxy "$here/.." >"$out/build.log" 2>&1 ||
    { tail -n 30 "$out/build.log" >&2; exit 1; }

rm -f "$out/revproxy.tar"
build push -q localhost/revproxy "docker-archive:$out/revproxy.tar:localhost/revproxy:latest"
gzip -nf "$out/revproxy.tar"
container=$(build from localhost/revproxy)
root=$(build mount "$container")
python3 "$here/sbom.py" "$root" --list >"$out/packages.txt"
python3 "$here/sbom.py" "$root" >"$out/sbom.cdx.json"
{
    echo "id $(build inspect --format '{{.FromImageID}}' "$container")"
    echo "contents $(build inspect --format '{{index .OCIv1.RootFS.DiffIDs 0}}' "$container")"
    echo "unpacked $(du -s --apparent-size --block-size=1 "$root" | cut -f1) bytes"
    echo "archive $(stat -c %s "$out/revproxy.tar.gz") bytes"
    echo "packages $(wc -l <"$out/packages.txt")"
} >"$out/image.txt"
build rm "$container" >/dev/null
cat "$out/image.txt"
