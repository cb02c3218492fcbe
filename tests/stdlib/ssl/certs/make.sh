#!/bin/sh
# Makes the certificates of the tests again, valid for a hundred years.
set -eu
cd "$(dirname "$0")"
curve="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $curve -keyout ca.key -out ca.pem -days 36500 -subj "/O=Conc tests/CN=Test authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
issue() { # name, subject, extensions, days
    openssl req $curve -keyout "$1.key" -out "$1.csr" -subj "$2"
    printf "%s\nbasicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n" "$3" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "$1.crt" $4 -extfile "$1.ext"
    cat "$1.crt" "$1.key" > "$1.pem"
    rm "$1.crt" "$1.key" "$1.csr" "$1.ext"
}
issue server "/C=XX/O=Conc tests/CN=localhost" \
    "subjectAltName=DNS:localhost,DNS:*.example.test,IP:127.0.0.1
extendedKeyUsage=serverAuth" "-days 36500"
issue client "/CN=a client" "extendedKeyUsage=clientAuth" "-days 36500"
issue elsewhere "/CN=elsewhere.test" "subjectAltName=DNS:elsewhere.test
extendedKeyUsage=serverAuth" "-days 36500"
issue expired "/CN=localhost" "subjectAltName=DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth" "-days -1"
openssl req -x509 $curve -keyout own.key -out own.crt -days 36500 -subj "/CN=localhost" \
    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1"
cat own.crt own.key > own.pem
rm own.crt own.key ca.key ca.srl
