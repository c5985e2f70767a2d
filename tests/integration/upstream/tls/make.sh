#!/bin/sh
# Makes the certificates of this folder anew: an authority, and servers for loopback and for another host.
# They protect nothing; they are valid for a hundred years.
set -eu
cd "$(dirname "$0")"
DAYS=36500

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $DAYS -subj "/CN=t0 test authority" \
    -addext "keyUsage=critical,keyCertSign" -keyout authority.key -out authority.pem

server() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=%s\nauthorityKeyIdentifier=keyid\n' "$2" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key -CAcreateserial -days $DAYS \
        -extfile "$1.ext" -out "$1.crt"
    cat "$1.key" "$1.crt" > "$1.pem"
    rm "$1.key" "$1.csr" "$1.crt" "$1.ext"
}

server loopback "DNS:localhost,IP:127.0.0.1"
server elsewhere "DNS:elsewhere.test"
rm -f authority.key authority.srl
