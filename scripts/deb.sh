#!/bin/sh
# Packs what `make install` installs, the systemd unit and its configuration into a Debian package.
# deb.sh BUILD: takes BUILD/bugsink-health, leaves BUILD/bugsink-health_VERSION_ARCH.deb and prints its path. For another
# architecture than the machine's: DEB_HOST_ARCH, STRIP.
set -eu
cd "$(dirname "$0")/.."

build=$1
recipe=deploy/debian
version=$(cat VERSION)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
documents=$root/usr/share/doc/bugsink-health
umask 022

changelog_version=$(dpkg-parsechangelog -l "$recipe/changelog" -S Version)
[ "$changelog_version" = "$version" ] || {
    echo "deb.sh: $recipe/changelog says version $changelog_version, VERSION says $version" >&2
    exit 1
}
# The time of the changelog stands for all that is packed, so that a package can be made again, byte for byte.
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$recipe/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH

# -o: the program is taken as it is. BUILD may have a blank in its path, which make would not take.
ln -s "$(realpath "$build")" "$stage/build"
make -s -o "$stage/build/bugsink-health" install BUILD="$stage/build" DESTDIR="$root" PREFIX=/usr ZSH_COMPLETION=share/zsh/vendor-completions/_bugsink-health
"${STRIP:-strip}" --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/bugsink-health"
gzip -9n "$root/usr/share/man/man1/bugsink-health.1"
install -m 0644 LICENSE "$documents/copyright"
install -m 0644 deploy/systemd/postgres.conf README.md "$documents/"
install -D -m 0644 -t "$documents/docs" docs/*.md docs/*.png
install -D -m 0644 "$recipe/lintian-overrides" "$root/usr/share/lintian/overrides/bugsink-health"
gzip -9nc "$recipe/changelog" >"$documents/changelog.gz"
install -D -m 0644 deploy/systemd/bugsink-health.service "$root/lib/systemd/system/bugsink-health.service"
install -D -m 0644 deploy/systemd/config.json "$root/etc/bugsink-health/config.json"
install -m 0640 deploy/systemd/environment "$root/etc/bugsink-health/environment"

mkdir -p "$root/DEBIAN" "$stage/debian"
install -m 0755 "$recipe/postinst" "$recipe/prerm" "$recipe/postrm" "$root/DEBIAN/"
(cd "$root" && find etc -type f | sort | sed 's|^|/|') >"$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f | sort | xargs md5sum) >"$root/DEBIAN/md5sums"
cp "$recipe/control" "$recipe/changelog" "$stage/debian/"
(
    cd "$stage"
    dpkg-shlibdeps -O root/usr/bin/bugsink-health >substvars
    dpkg-gencontrol -Tsubstvars -Proot
)
dpkg-deb --root-owner-group -Zxz --build "$root" "$build" >/dev/null
echo "$build/bugsink-health_${version}_$(dpkg-architecture -q DEB_HOST_ARCH).deb"
