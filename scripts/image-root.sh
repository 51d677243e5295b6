#!/bin/sh
# Lays out the image's root file system: the program, what it loads, the files that these read, and what licences and
# scanners ask for. Runs in the Dockerfile's build stage, and in scripts/release.sh for another architecture than the machine's (CC,
# STRIP). It names no architecture: every path is asked for.
set -eu
umask 022 # the image is everybody's

program=${1:?usage: scripts/image-root.sh PROGRAM ROOT}
root=${2:?usage: scripts/image-root.sh PROGRAM ROOT}
cc=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
    echo "image-root: $1" >&2
    exit 1
}

# Copies a file to its own path; /lib and its like become the links that they are here.
place() {
    top=/$(echo "$1" | cut -d / -f 2)
    if [ -L "$top" ] && [ ! -e "$root$top" ]; then
        mkdir -p "$root$(readlink -f "$top")"
        cp -P "$top" "$root$top"
    fi
    mkdir -p "$root$(dirname "$1")"
    cp -L "$1" "$root$1"
}

# Where Debian has the libraries of the program's architecture.
libraries=/usr/lib/$("$cc" -print-multiarch)

# What the program loads on its own, where a DSN asks for it: the libraries of PostgreSQL and MySQL, by the names that
# src/kinds/*/library.c have; and the ways to log in that src/kinds/mysql/mysql.c allows and Connector/C has as plugins.
# (The C library needs none: DNS and /etc/hosts are in libc itself.)
list_loaded() {
    for soname in $(sed -n 's/.*\.soname = "\(.*\)".*/\1/p' src/kinds/*/library.c); do
        [ -e "$libraries/$soname" ] || die "there is no $soname"
        echo "$libraries/$soname"
    done
    for name in caching_sha2_password sha256_password client_ed25519; do
        set -- "$libraries"/libmariadb*/plugin/$name.so
        [ -e "$1" ] || die "there is no $name.so"
        echo "$1"
    done
}

list_needed() { # FILE: the names of the libraries that it needs itself
    readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# The libraries that the files named on standard input need, and those that these need in turn. Not by ldd, which would run
# them, and this may be another architecture's.
list_libraries() {
    cat >"$work/queue"
    : >"$work/seen"
    while [ -s "$work/queue" ]; do
        while read -r file; do
            list_needed "$file"
        done <"$work/queue" | sort -u | grep -vxFf "$work/seen" >"$work/names" || true
        cat "$work/names" >>"$work/seen"
        while read -r name; do
            [ ! -e "$work/$name" ] && [ "$name" != "${loader##*/}" ] || continue
            [ -e "$libraries/$name" ] || die "there is no $name"
            echo "$libraries/$name"
        done <"$work/names" >"$work/queue"
        cat "$work/queue"
    done
}

# libpq asks OpenLDAP only to look up a "service", which the program refuses in a DSN; yet OpenLDAP brings GnuTLS and
# ten more libraries along, a third of the image. In its place stands a library of the same functions, all of which
# return NULL: ldap_init() is the first to be called, and with it a lookup ends in libpq's own error.
make_ldap() {
    libpq=$(list_loaded | grep '/libpq\.so') || die "the program does not load libpq"
    soname=$(list_needed "$libpq" | grep '^libldap') || return 0
    readelf --dyn-syms -W "$libpq" | grep -o 'ldap_[a-z0-9_]*@[^ ]*' >"$work/symbols"
    sed 's/@.*//; s/.*/void *&(void);\nvoid *&(void) { return 0; }/' "$work/symbols" >"$work/ldap.c"
    [ "$(sed 's/.*@//' "$work/symbols" | sort -u | wc -l)" = 1 ] || die "OpenLDAP's functions are of several versions"
    echo "$(sed -n '1s/.*@//p' "$work/symbols") { ldap_*; };" >"$work/ldap.map"
    "$cc" -shared -fPIC -O2 -s -nostdlib -Wl,-z,relro,-z,now -Wl,-soname,"$soname" -Wl,--version-script="$work/ldap.map" \
        -o "$work/$soname" "$work/ldap.c"
    install -D -m 0644 "$work/$soname" "$root/usr/lib/$soname"
}

place_program() {
    loader=$(readelf -lW "$program" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
    [ -e "$loader" ] || die "there is no $loader"
    install -D -s --strip-program="${STRIP:-strip}" -m 0755 "$program" "$root/usr/bin/bugsink-health"
    list_loaded >"$work/loaded"
    { echo "$program" && cat "$work/loaded"; } | list_libraries >"$work/libraries"
    { echo "$loader" && cat "$work/loaded" "$work/libraries"; } | sort -u >"$work/placed"
    while read -r library; do
        place "$library"
    done <"$work/placed"
}
# Users for who looks names up, name resolution, OpenSSL's rules and the system's authorities, mount points.
place_files() {
    mkdir -p "$root/etc/ssl/certs" "$root/data" "$root/dev" "$root/proc" "$root/run" "$root/sys"
    install -d -m 1777 "$root/tmp"
    printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'bugsink:x:14237:14237:Bugsink:/:/sbin/nologin' >"$root/etc/passwd"
    printf '%s\n' 'root:x:0:' 'bugsink:x:14237:' >"$root/etc/group"
    printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >"$root/etc/nsswitch.conf"
    place /etc/ssl/certs/ca-certificates.crt
    place /etc/ssl/openssl.cnf
    openssl=$(openssl version -d | sed 's/.*"\(.*\)"/\1/')
    mkdir -p "$root$openssl"
    ln -s /etc/ssl/openssl.cnf "$root$openssl/openssl.cnf"
    ln -s /etc/ssl/certs "$root$openssl/certs"
    ln -s /etc/ssl/certs/ca-certificates.crt "$root$openssl/cert.pem"
}

# The packages that files came from: their licences, and their versions, by which scanners find known weaknesses.
place_packages() {
    place /etc/os-release
    install -D -m 0644 LICENSE "$root/usr/share/doc/bugsink-health/copyright"
    mkdir -p "$root/var/lib/dpkg/status.d"
    # dpkg has the path that the package has, with /usr or without. No pattern: the cross compiler's own packages would match.
    sed 's|^/usr||' "$work/placed" | while read -r library; do
        dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "/usr$library" || die "$library belongs to no package"
    done >"$work/owners"
    { sed '/^diversion /d; s/: .*//' "$work/owners" && echo ca-certificates; } >"$work/packages"
    sort -u "$work/packages" | while read -r package; do
        name=${package%%:*}
        place "/usr/share/doc/$name/copyright"
        dpkg-query -s "$package" | sed '/^Conffiles:/,/^[A-Z]/{/^Conffiles:/d; /^ /d;}' >"$root/var/lib/dpkg/status.d/$name"
    done
}

mkdir -p "$root"
make_ldap
place_program
place_files
place_packages
