#!/bin/sh
# nginx: a map's bucket of N bytes takes keys of at most N - 18 bytes.
#
# Version: nginx 1.22.1-9+deb12u11 (Debian 12, amd64), with no module added.
#
# A `map` whose longest key is as long as `map_hash_bucket_size`, or up to 17 bytes shorter, is refused: each
# element has two pointers and a length beside its key. The manual gives a default, and no word on
# which key needs which size. So a bucket of 128 doesn't take a host name of two labels of 63 bytes
# (127 bytes), and one of 256 doesn't take the longest name that DNS has (253 bytes); 288 does. What makes it
# expensive: one such key among any number of others refuses the whole configuration, and the message
# names neither the key nor the size. A running nginx goes on with its old configuration; one that is
# started anew doesn't start.
#
# Seen (this script's output):
#   bucket 64: longest key 46
#   bucket 128: longest key 110
#   bucket 192: longest key 174
#   bucket 256: longest key 238
#   bucket 288: longest key 253 or more
#   [emerg] could not build map_hash, you should increase map_hash_bucket_size: 256
set -eu

version=1.22.1-9+deb12u11
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root "nginx=$version" >/dev/null
dpkg -x nginx_*.deb root
nginx=$folder/root/usr/sbin/nginx
"$nginx" -v 2>&1 | grep -qx 'nginx version: nginx/1.22.1'

# key BYTES: a host name of that length, of labels that DNS allows.
key() {
    awk -v left="$1" 'BEGIN {
        while (left > 0) {
            size = left > 63 ? 63 : left
            if (left - size == 1) size--
            for (i = 0; i < size; i++) printf "a"
            left -= size
            if (left > 0) { printf "."; left-- }
        }
    }'
}

# takes BUCKET BYTES: whether nginx takes a map with a key of that length.
takes() {
    cat >nginx.conf <<END
pid $folder/pid;
error_log /dev/null;
events {}
http {
    map_hash_bucket_size $1;
    map \$host \$location { default none; $(key "$2") aws; }
    server { listen 127.0.0.1:1; }
}
END
    "$nginx" -t -q -e "$folder/error" -c "$folder/nginx.conf" 2>"$folder/said"
}

for bucket in 64 128 192 256; do
    longest=$((bucket - 18))
    takes "$bucket" "$longest" || { echo "bucket $bucket: $longest bytes are refused"; exit 1; }
    if takes "$bucket" $((longest + 1)); then
        echo "bucket $bucket: $((longest + 1)) bytes are taken"
        exit 1
    fi
    echo "bucket $bucket: longest key $longest"
done
takes 288 253 || { echo "bucket 288: 253 bytes are refused"; exit 1; }
echo "bucket 288: longest key 253 or more"
if takes 256 253; then exit 1; fi
grep -o '\[emerg\] could not build map_hash.*' said | head -1
grep -q 'you should increase map_hash_bucket_size: 256' said
