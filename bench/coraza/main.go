// A reverse proxy of net/http wrapped by Coraza, to be measured beside the front end (bench/crs.py).
//
//	coraza LISTEN INSIDE RULES ERRORS
//
// RULES is a SecLang file, INSIDE the host and port of the internal server. What its rules log goes to ERRORS.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"

	"github.com/corazawaf/coraza/v3"
	corazahttp "github.com/corazawaf/coraza/v3/http"
	"github.com/corazawaf/coraza/v3/types"
)

func proxy(inside string) http.Handler {
	target := &url.URL{Scheme: "http", Host: inside}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{MaxIdleConns: 128, MaxIdleConnsPerHost: 128, DisableCompression: true},
	}
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: coraza LISTEN INSIDE RULES ERRORS")
	}
	runtime.GOMAXPROCS(1)
	file, err := os.Create(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	told := log.New(file, "", log.LstdFlags)
	config := coraza.NewWAFConfig().WithDirectivesFromFile(os.Args[3]).WithErrorCallback(
		func(rule types.MatchedRule) { told.Print(rule.ErrorLog()) })
	waf, err := coraza.NewWAF(config)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(os.Args[1], corazahttp.WrapHandler(waf, proxy(os.Args[2]))))
}
