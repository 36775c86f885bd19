// Notation signs and verifies artifacts in a registry with the library of the program of that name.
//
//	notation sign KEY CERTIFICATES REFERENCE
//	notation verify CERTIFICATES REFERENCE
//
// The user is told in NOTATION_USERNAME and NOTATION_PASSWORD.
package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	corex509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

const envelope = "application/jose+json"

// trusted are certificates that signatures may go back to.
type trusted []*x509.Certificate

func (all trusted) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return all, nil
}

func open(reference string) (registry.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = true
	repository.Client = &auth.Client{Credential: auth.StaticCredential(repository.Reference.Registry, auth.Credential{
		Username: os.Getenv("NOTATION_USERNAME"),
		Password: os.Getenv("NOTATION_PASSWORD"),
	})}
	return registry.NewRepository(repository), nil
}

func sign(key, certificates, reference string) error {
	repository, err := open(reference)
	if err != nil {
		return err
	}
	by, err := signer.NewGenericSignerFromFiles(key, certificates)
	if err != nil {
		return err
	}
	_, err = notation.Sign(context.Background(), by, repository, notation.SignOptions{
		SignerSignOptions: notation.SignerSignOptions{SignatureMediaType: envelope},
		ArtifactReference: reference,
	})
	return err
}

func verify(certificates, reference string) error {
	repository, err := open(reference)
	if err != nil {
		return err
	}
	known, err := corex509.ReadCertificateFile(certificates)
	if err != nil {
		return err
	}
	policy := &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
		Name:                  "all",
		RegistryScopes:        []string{"*"},
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: trustpolicy.LevelStrict.Name},
		TrustStores:           []string{"ca:test"},
		TrustedIdentities:     []string{"*"},
	}}}
	by, err := verifier.New(policy, trusted(known), nil)
	if err != nil {
		return err
	}
	_, found, err := notation.Verify(context.Background(), by, repository, notation.VerifyOptions{
		ArtifactReference:    reference,
		MaxSignatureAttempts: 10,
	})
	if err == nil {
		fmt.Printf("%d signature verified\n", len(found))
	}
	return err
}

func run(words []string) error {
	switch {
	case len(words) == 4 && words[0] == "sign":
		return sign(words[1], words[2], words[3])
	case len(words) == 3 && words[0] == "verify":
		return verify(words[1], words[2])
	}
	return fmt.Errorf("say: sign KEY CERTIFICATES REFERENCE, or verify CERTIFICATES REFERENCE")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
