// token-peer-go: callers that share one client of golang.org/x/oauth2/clientcredentials, as its
// documentation shows it: Config.Client gives an http.Client that obtains tokens when needed. What
// is counted, and how, is as in bench/processes/tokens_callers.h.
//
// usage: token-peer-go JOB.json
// Prints "WARM" when each caller's first call has ended, however it did, then
// "RESULT calls failed stalled longest_us".
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const patience = 10 * time.Second

type job struct {
	TokenURL         string `json:"token_url"`
	APIURL           string `json:"api_url"`
	TrustAnchors     string `json:"trust_anchors"`
	ClientID         string `json:"client_id"`
	ClientSecretFile string `json:"client_secret_file"`
	Callers          int    `json:"callers"`
	PaceMS           int    `json:"pace_ms"`
	StallMS          int    `json:"stall_ms"`
	RunMS            int    `json:"run_ms"`
}

type tally struct {
	calls, failed, stalled int
	longest                time.Duration
}

func readJob(path string) (job, error) {
	var read job
	text, err := os.ReadFile(path)
	if err != nil {
		return read, err
	}
	return read, json.Unmarshal(text, &read)
}

// newClient is the package's documented use. The transport beneath it trusts the test's CA, and
// keeps a connection for each caller: Go's default of two would make most calls begin with a TLS
// handshake, which is not what is compared here.
func newClient(work job) (*http.Client, error) {
	anchors, err := os.ReadFile(work.TrustAnchors)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(anchors) {
		return nil, fmt.Errorf("%s holds no certificate", work.TrustAnchors)
	}
	secret, err := os.ReadFile(work.ClientSecretFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		MaxIdleConnsPerHost: work.Callers,
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient,
		&http.Client{Transport: transport, Timeout: patience})
	config := clientcredentials.Config{
		ClientID:     work.ClientID,
		ClientSecret: strings.TrimSpace(string(secret)),
		TokenURL:     work.TokenURL,
	}
	return config.Client(ctx), nil
}

func call(client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// countCalls is one caller: it starts a call each pace, or at once if the last took longer.
func countCalls(client *http.Client, work job, end time.Time) tally {
	var counted tally
	pace := time.Duration(work.PaceMS) * time.Millisecond
	stall := time.Duration(work.StallMS) * time.Millisecond
	for time.Now().Before(end) {
		started := time.Now()
		err := call(client, work.APIURL)
		took := time.Since(started)
		counted.calls++
		if err != nil {
			counted.failed++
		}
		if took > stall {
			counted.stalled++
		}
		if took > counted.longest {
			counted.longest = took
		}
		time.Sleep(time.Until(started.Add(pace)))
	}
	return counted
}

// onEach runs `work` for each caller at once and waits for all.
func onEach(callers int, work func(caller int)) {
	var all sync.WaitGroup
	for caller := 0; caller < callers; caller++ {
		all.Add(1)
		go func(caller int) {
			defer all.Done()
			work(caller)
		}(caller)
	}
	all.Wait()
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: token-peer-go JOB.json")
	}
	work, err := readJob(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	client, err := newClient(work)
	if err != nil {
		log.Fatal(err)
	}
	onEach(work.Callers, func(int) { _ = call(client, work.APIURL) })
	fmt.Println("WARM")
	tallies := make([]tally, work.Callers)
	end := time.Now().Add(time.Duration(work.RunMS) * time.Millisecond)
	onEach(work.Callers, func(caller int) {
		time.Sleep(time.Duration(work.PaceMS) * time.Millisecond * time.Duration(caller) /
			time.Duration(work.Callers))
		tallies[caller] = countCalls(client, work, end)
	})
	var sum tally
	for _, one := range tallies {
		sum.calls += one.calls
		sum.failed += one.failed
		sum.stalled += one.stalled
		if one.longest > sum.longest {
			sum.longest = one.longest
		}
	}
	fmt.Println("RESULT", sum.calls, sum.failed, sum.stalled, sum.longest.Microseconds())
}
