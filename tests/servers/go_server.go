// A Go net/http server as a peer of the tests: h2c with prior knowledge from the standard library (Go 1.24).
//
//	go_server HOST:PORT
package main

import (
	"log"
	"net/http"
	"os"
)

func answer(writer http.ResponseWriter, _ *http.Request) {
	writer.Write([]byte("ok"))
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go_server HOST:PORT")
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(answer), Protocols: &protocols}
	log.Fatal(server.ListenAndServe())
}
