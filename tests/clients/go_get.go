// A Go net/http client of the tests: it gets a URL over TLS several times, each time on a new connection that may resume the last
// one's session, and says what it got.
//
//	go_get URL AUTHORITY h1|h2 COUNT
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
)

func get(client *http.Client, url string) {
	response, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Proto, response.StatusCode, response.TLS.DidResume, string(body))
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: go_get URL AUTHORITY h1|h2 COUNT")
	}
	authority, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	config := &tls.Config{RootCAs: pool, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: os.Args[3] == "h2"}
	count, err := strconv.Atoi(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	for range count {
		get(&http.Client{Transport: transport}, os.Args[1])
		transport.CloseIdleConnections()
	}
}
