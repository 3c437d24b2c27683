#!/usr/bin/env bash
# `cmake --install` brings exactly these files, and they work from where they are.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export DESTDIR=$scratch/root
install_into /usr
unset DESTDIR
cd "$scratch/root"

{
    printf 'usr/%s\n' bin/gritd bin/gritctl lib/systemd/system/gritd@.service lib/sysusers.d/gritd.conf \
        lib/tmpfiles.d/gritd.conf share/doc/gritd/{README.md,CHANGELOG.md,LICENSE} \
        share/doc/gritd/examples/{gritd.toml,cdn_classes.toml,private-addresses.conf}
    (cd "$GRIT_SOURCE" && printf 'usr/share/doc/gritd/%s\n' docs/*.md)
} | sort >"$scratch/expected"
find . -type f -o -type l | sed 's:^\./::' | sort >"$scratch/found"
diff -u "$scratch/expected" "$scratch/found" || die "the list of installed files has changed"

unit=usr/lib/systemd/system/gritd@.service
grep -q '^ExecStart=/usr/bin/gritd run ' $unit || die "the unit does not start the installed gritd"
grep -q '^Documentation=file:///usr/share/doc/gritd/README.md$' $unit || die "the unit names other documents"
! grep -q '@[A-Z_]*@' $unit || die "the unit has a placeholder left"
for text in usr/lib/s*/*.conf usr/lib/tmpfiles.d/*.conf $unit usr/share/doc/gritd/{README.md,docs/*.md}; do
    ! grep -q -F -e "$GRIT_SOURCE" -e "$GRIT_BUILD" "$text" || die "$text names a folder of the machine it was built on"
done

usr/bin/gritd --version | grep -q '^gritd [0-9]' || die "gritd does not tell its version"
usr/bin/gritctl --version | grep -q '^gritctl [0-9]' || die "gritctl does not tell its version"
usr/bin/gritd check-config --config usr/share/doc/gritd/examples/gritd.toml >/dev/null || die "the example config is wrong"
