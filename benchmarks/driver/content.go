package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
)

// random makes bytes that can be made again from the same seed.
func random(seed string, nbytes int) []byte {
	source := rand.NewChaCha8(sha256.Sum256([]byte(seed)))
	made := make([]byte, nbytes)
	if _, err := source.Read(made); err != nil {
		panic(err)
	}
	return made
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// big is a blob of any size: one block again and again. Neither server compresses or looks for what
// is the same.
type big struct {
	block  []byte
	size   int64
	digest string
}

const blockBytes = 1 << 20

func newBig(seed string, size int64) big {
	made := big{block: random(seed, blockBytes), size: size}
	hash := sha256.New()
	for left := size; left > 0; left -= blockBytes {
		hash.Write(made.block[:min(left, blockBytes)])
	}
	made.digest = "sha256:" + hex.EncodeToString(hash.Sum(nil))
	return made
}

// small is a blob of a few bytes, of which there are many.
type small struct {
	data   []byte
	digest string
}

func newSmall(seed string, number, nbytes int) small {
	data := random(fmt.Sprintf("%s/%d", seed, number), nbytes)
	return small{data, digestOf(data)}
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
)

// manifest is an image that has no layers, and this blob as its configuration.
func (s small) manifest() []byte {
	return fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,`+
		`"digest":%q,"size":%d},"layers":[]}`, manifestType, configType, s.digest, len(s.data))
}
