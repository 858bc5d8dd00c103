#!/bin/sh
# nsupdate: after a message that the server has refused as a whole it sends the next one of its input; knsupdate sends none.
#
# Version: nsupdate 9.18.49 (bind9-dnsutils 1:9.18.49-1~deb12u3, Debian 12, amd64) and knsupdate 3.2.6 (knot-dnsutils 3.2.6-1); the
# server is Knot DNS 3.2.6-1. dig is any.
#
# A message is applied whole or not at all (RFC 2136, 3.7), so whoever makes several of them, in an order in which each relies on the
# ones before, relies on their sender to stop. From a file both tools take as many messages as there are `send` lines. nsupdate says
# `update failed: YXRRSET` for the one, applies what comes after it, and exits with 2 in the end; the exit code doesn't tell
# which were applied. What helps: a process for each message.
#
# Seen (this script's output):
#   nsupdate: exit 2, the message after the refused one was applied
#   knsupdate: exit 1, the message after the refused one wasn't applied
set -eu

folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; wait; rm -rf "$folder"' EXIT
cd "$folder"
# The tools are pinned, their libraries the release's; nothing is installed.
apt-get download -q -o APT::Sandbox::User=root bind9-dnsutils=1:9.18.49-1~deb12u3 bind9-libs=1:9.18.49-1~deb12u3 \
    knot=3.2.6-1 knot-dnsutils=3.2.6-1 libknot13=3.2.6-1 libdnssec9=3.2.6-1 libzscanner4=3.2.6-1 libuv1 libjson-c5 libmaxminddb0 \
    libfstrm0 libprotobuf-c1 libxdp1 libbpf1 libelf1 liblmdb0 liburcu8 libnghttp2-14 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH="$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu"
root/usr/bin/nsupdate -V 2>&1 | grep -q '9\.18\.49'
root/usr/bin/knsupdate -V | grep -q '3\.2\.6'

port=$(python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
printf '$ORIGIN example.\n@ 60 IN SOA ns hostmaster 1 3600 600 86400 20\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\ntaken 60 IN TXT here\n' >example.zone
cat >knot.conf <<END
server:
    rundir: "$folder"
    listen: 127.0.0.1@$port
database:
    storage: "$folder"
log:
  - target: stderr
    any: warning
acl:
  - id: here
    address: 127.0.0.1
    action: update
zone:
  - domain: example.
    storage: "$folder"
    file: example.zone
    zonefile-sync: -1
    journal-content: all
    acl: here
END
root/usr/sbin/knotd -c knot.conf >knot.log 2>&1 &
pid=$!
has() { [ -n "$(dig +short +time=1 +tries=1 @127.0.0.1 -p "$port" "$1" A | grep -v '^;')" ]; }
tries=0
until has ns.example.; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ]
    sleep 0.1
done

failed=0
# try TOOL EXPECTED: a message that mustn't be applied, for something is there, and one that may.
try() {
    code=0
    printf 'server 127.0.0.1 %s\nzone example.\nprereq nxrrset taken.example. TXT\nupdate add first-%s.example. 60 A 192.0.2.1\nsend\nzone example.\nupdate add second-%s.example. 60 A 192.0.2.2\nsend\n' \
        "$port" "$1" "$1" >messages
    "root/usr/bin/$1" -v messages >out 2>&1 || code=$?
    ! has "first-$1.example." || failed=1
    said="wasn't applied"
    ! has "second-$1.example." || said="was applied"
    echo "$1: exit $code, the message after the refused one $said"
    [ "$code $said" = "$2" ] || failed=1
}
try nsupdate "2 was applied"
try knsupdate "1 wasn't applied"
exit "$failed"
