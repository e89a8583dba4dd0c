// A Go net/http server as a peer of the tests: HTTP/1.1 and h2c with prior knowledge from the standard library (Go 1.24), or over
// TLS HTTP/1.1 and h2 by ALPN.
//
//	go_server HOST:PORT [CERTIFICATE KEY [CLIENTS_AUTHORITY]]
//
// PUT /digest is answered by the SHA-256 of the body, PUT /slow by the same, read by somebody who takes his time; all else by "ok" when it is there.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

type slowReader struct{ io.Reader }

func (reader slowReader) Read(data []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	return reader.Reader.Read(data)
}

func answer(writer http.ResponseWriter, request *http.Request) {
	var body io.Reader = request.Body
	switch request.URL.Path {
	case "/slow":
		body = slowReader{body}
	case "/digest":
	default:
		io.Copy(io.Discard, request.Body)
		writer.Write([]byte("ok"))
		return
	}
	digest := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{digest}, body, make([]byte, 65536)); err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	writer.Write([]byte(hex.EncodeToString(digest.Sum(nil))))
}

// Clients must show a certificate of the authority in the file.
func clientsOf(file string) *tls.Config {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		log.Fatal(file + ": no certificate")
	}
	return &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

func main() {
	arguments := os.Args[1:]
	if len(arguments) != 1 && len(arguments) != 3 && len(arguments) != 4 {
		log.Fatal("usage: go_server HOST:PORT [CERTIFICATE KEY [CLIENTS_AUTHORITY]]")
	}
	server := http.Server{Addr: arguments[0], Handler: http.HandlerFunc(answer)}
	if len(arguments) == 1 {
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		log.Fatal(server.ListenAndServe())
	}
	if len(arguments) == 4 {
		server.TLSConfig = clientsOf(arguments[3])
	}
	log.Fatal(server.ListenAndServeTLS(arguments[1], arguments[2]))
}
