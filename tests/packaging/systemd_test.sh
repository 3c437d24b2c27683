#!/usr/bin/env bash
# The unit and its helpers are what systemd understands, and the sandbox is as tight as it was.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# 1.2 of 10 (systemd 252). What is left: the daemon needs INET and UNIX sockets, its peers' real user ids (PrivateUsers=),
# and a group that may read images (UMask=).
most_exposed=12

prefix=$scratch/usr
install_into "$prefix"
unit=$prefix/lib/systemd/system/gritd@.service

case $1 in
    verify)
        need systemd-analyze
        # Warnings go to stderr with exit code 0 in some versions: silence is what is asked for.
        words=$(systemd-analyze verify "$unit" "${unit/@/@grit}" 2>&1) || die "$words"
        ! grep -F gritd <<<"$words" || die "systemd-analyze verify has something to say"
        # Not understood by systemd 252 (Debian 12), which would fall back to Type=simple.
        ! grep -q '^Type=notify-reload' "$unit" || die "Type=notify-reload is unknown to systemd 252"
        ! grep -nE '^[A-Za-z]+=.*[[:space:]]#' "$unit" || die "systemd has no trailing comments: they become part of the value"
        ;;
    security)
        need systemd-analyze
        systemd-analyze security --help 2>/dev/null | grep -q -e --offline || skip "systemd-analyze is too old"
        systemd-analyze security --offline=true --no-pager --threshold=$most_exposed "$unit" >"$scratch/score" ||
            die "$(grep -v '^✓' "$scratch/score")"
        tail -n 1 "$scratch/score"
        ;;
    sysusers)
        need systemd-sysusers
        [[ $(id -u) -eq 0 ]] || skip "only root may make users, in a folder too"
        mkdir -p "$scratch/root/etc"
        systemd-sysusers --root="$scratch/root" "$prefix/lib/sysusers.d/gritd.conf"
        grep -q '^gritd:.*:/var/lib/gritd:.*nologin$' "$scratch/root/etc/passwd" || die "no user gritd"
        grep -q '^grit-admin:' "$scratch/root/etc/group" || die "no group grit-admin"
        ;;
    tmpfiles)
        need systemd-tmpfiles
        need systemd-sysusers
        [[ $(id -u) -eq 0 ]] || skip "only root may give folders away"
        mkdir -p "$scratch/root/etc"
        systemd-sysusers --root="$scratch/root" "$prefix/lib/sysusers.d/gritd.conf"
        systemd-tmpfiles --root="$scratch/root" --create "$prefix/lib/tmpfiles.d/gritd.conf"
        id_of() { sed -n "s/^$1:[^:]*:\([0-9]*\):.*/\1/p" "$scratch/root/etc/$2"; }
        found=$(stat --format='%a %u %g' "$scratch/root/run/grit")
        [[ $found == "2755 $(id_of gritd passwd) $(id_of grit-admin group)" ]] || die "/run/grit is $found"
        ;;
    *) die "unknown subject $1" ;;
esac
