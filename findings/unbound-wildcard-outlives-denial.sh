#!/bin/sh
# unbound: a name that is new in a signed zone is answered with the zone's wildcard for longer than the wildcard's TTL.
#
# Version: unbound 1.17.1-2+deb12u4 (Debian 12, amd64), in its own configuration but for what loopback needs; Knot 3.2.6-1 signs. dig and
# nsupdate (bind9-dnsutils) are any.
#
# Until an NSEC record that it has kept expires, unbound believes that no name is there between two others, and answers for any of
# them with the wildcard, of which it takes whatever it has by then: with the wildcard's whole TTL, be the NSEC's rest a second. So a
# record of a name's own, added beside a wildcard, may be unseen for the NSEC's TTL and then the wildcard's, one after the other; a
# change of the wildcard itself, or of a record that is there, is seen after its TTL. unbound.conf(5) says of aggressive-nsec,
# which is on unless it's said otherwise, that it makes up denials from NXDOMAIN answers, and nothing of wildcards (RFC 8198, 5.3).
#
# Here an NSEC may be kept for 20 s and the wildcard for 4 s. What helps: `aggressive-nsec: no`, for one's own resolver only; for a
# zone, NSEC3, of which unbound makes no such use, or an SOA whose minimum, the NSEC's TTL, is a few seconds.
#
# Seen (this script's output; the seconds may be others by one):
#   aggressive-nsec: yes   5 s after b.example has a record of its own: the wildcard's address, for 4 s more
#   aggressive-nsec: no    5 s after m.example has a record of its own: its own address, for 4 s more
set -eu

folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086
trap 'for pid in $pids; do kill "$pid"; done; wait; rm -rf "$folder"' EXIT
cd "$folder"
# The servers are pinned, their libraries the release's; nothing is installed.
apt-get download -q -o APT::Sandbox::User=root unbound=1.17.1-2+deb12u4 knot=3.2.6-1 libknot13=3.2.6-1 libdnssec9=3.2.6-1 \
    libzscanner4=3.2.6-1 libevent-2.1-7 libprotobuf-c1 libpython3.11 libnghttp2-14 libxdp1 libbpf1 libelf1 liblmdb0 liburcu8 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH="$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu"
root/usr/sbin/unbound -V | grep -q '^Version 1.17.1'
root/usr/sbin/knotd -V | grep -q '3.2.6'

free() { python3 -c "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"; }
server=$(free)
# wait_until COMMAND…: waits until it succeeds, a minute at most.
wait_until() {
    tries=0
    until "$@" >out 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}
# ask PORT NAME TYPE
ask() { dig +short +time=1 +tries=1 @127.0.0.1 -p "$1" "$2" "$3" | grep -v '^;'; }

cat >example.zone <<'END'
$ORIGIN example.
@ 60 IN SOA ns hostmaster 1 3600 600 86400 20
@ 60 IN NS ns
ns 60 IN A 127.0.0.1
* 4 IN A 192.0.2.1
END
cat >knot.conf <<END
server:
    rundir: "$folder"
    listen: 127.0.0.1@$server
database:
    storage: "$folder"
control:
    listen: "$folder/knot.sock"
log:
  - target: stderr
    any: warning
acl:
  - id: here
    address: 127.0.0.1
    action: update
policy:
  - id: signed
    algorithm: ecdsap256sha256
    single-type-signing: on
zone:
  - domain: example.
    storage: "$folder"
    file: example.zone
    zonefile-sync: -1
    journal-content: all
    dnssec-signing: on
    dnssec-policy: signed
    acl: here
END
root/usr/sbin/knotd -c knot.conf >knot.log 2>&1 &
pids="$pids $!"
signed() { [ -n "$(ask "$server" example. DNSKEY)" ]; }
wait_until signed
echo "trust-anchor: \"example. DNSKEY $(ask "$server" example. DNSKEY)\"" >anchor.conf

# answer_after USE NAME: adds a record, waits until the wildcard has ended in the resolver and another name's visitor has brought it
# anew, and asks for the name, as nobody has before.
answer_after() {
    port=$(free)
    cat >"$1.conf" <<END
server:
    directory: "$folder"
    chroot: ""
    username: ""
    pidfile: ""
    interface: 127.0.0.1@$port
    use-syslog: no
    do-daemonize: no
    do-ip6: no
    do-not-query-localhost: no
    include: "$folder/anchor.conf"
$([ "$1" = yes ] || echo "    aggressive-nsec: no")
remote-control:
    control-enable: no
stub-zone:
    name: example.
    stub-addr: 127.0.0.1@$server
END
    root/usr/sbin/unbound -c "$1.conf" >"$1.log" 2>&1 &
    pids="$pids $!"
    answered() { [ -n "$(ask "$port" "$1" A)" ]; }
    # It has the NSEC records now that the names to come and those of the others are between.
    wait_until answered "first.example."
    wait_until answered "other.example."
    began=$(date +%s)
    printf 'server 127.0.0.1 %s\nzone example.\nupdate add %s 4 A 192.0.2.2\nsend\n' "$server" "$2" | nsupdate
    ttl() { dig +noall +answer @127.0.0.1 -p "$port" "$1" A | awk '{print $2; exit}'; }
    ending() { [ "$(ttl other.example.)" = 0 ]; }
    anew() { [ "$(ttl other.example.)" = 4 ]; }
    wait_until ending
    wait_until anew
    rest=$(ttl "$2")
    found=$(ask "$port" "$2" A)
    took=$(($(date +%s) - began))
    case $found in 192.0.2.1) whose="the wildcard's" ;; 192.0.2.2) whose="its own" ;; *) whose="no" ;; esac
}

failed=0
answer_after yes b.example.
echo "aggressive-nsec: yes   $took s after b.example has a record of its own: $whose address, for $rest s more"
[ "$whose" = "the wildcard's" ] || failed=1
answer_after no m.example.
echo "aggressive-nsec: no    $took s after m.example has a record of its own: $whose address, for $rest s more"
[ "$whose" = "its own" ] || failed=1
exit "$failed"
