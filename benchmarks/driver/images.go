package main

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"net"
)

// images has every connection push an image of its own, all at the same time: a layer of *size*
// bytes, a configuration, and a manifest with a tag. A request of the report is one whole image.
func images(t target, seed string, clients int, size int64) (report, error) {
	layers, err := layersOf(seed, clients, size)
	if err != nil {
		return report{}, err
	}
	lanes := make([]lane, clients)
	for i := range lanes {
		c, err := connect(t.address)
		if err != nil {
			return report{}, err
		}
		defer c.Close()
		// Clients elsewhere have kernels of their own. Here thousands of send buffers and the
		// server's receive buffers share one limit (tcp_mem), beyond which packets are dropped.
		if err := c.Conn.(*net.TCPConn).SetWriteBuffer(16 << 10); err != nil {
			return report{}, err
		}
		config := newSmall(seed, i, 512)
		document := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,`+
			`"digest":%q,"size":512},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",`+
			`"digest":%q,"size":%d}]}`, manifestType, configType, config.digest, layers[i].digest, size)
		done := false
		lanes[i] = func() (int64, bool, error) {
			if done {
				return 0, true, nil
			}
			done = true
			if err := layers[i].push(t, c); err != nil {
				return 0, false, err
			}
			place, err := begin(t, c)
			if err != nil {
				return 0, false, err
			}
			if err := end(t, c, place, config.digest, config.data); err != nil {
				return 0, false, err
			}
			header := t.request("PUT", fmt.Sprintf("/v2/%s/manifests/i%04d", t.repository, i),
				"Content-Type: "+manifestType, fmt.Sprintf("Content-Length: %d", len(document)))
			if _, err := c.Write(append(header, document...)); err != nil {
				return 0, false, refused(c, err)
			}
			_, err = expect(c, "PUT of a manifest", 201)
			return size, false, err
		}
	}
	return measure(lanes), nil
}

// layer is a blob that differs from the others of its crowd in its last bytes only, so that making
// thousands of them costs little.
type layer struct {
	big
	last []byte
}

func layersOf(seed string, count int, size int64) ([]layer, error) {
	common := big{block: random(seed, blockBytes), size: size - sha256.Size}
	hash := sha256.New()
	for left := common.size; left > 0; left -= blockBytes {
		hash.Write(common.block[:min(left, blockBytes)])
	}
	state, err := hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	made := make([]layer, count)
	for i := range made {
		made[i] = layer{common, random(fmt.Sprintf("%s/last/%d", seed, i), sha256.Size)}
		own := sha256.New()
		if err := own.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return nil, err
		}
		own.Write(made[i].last)
		made[i].digest = "sha256:" + hex.EncodeToString(own.Sum(nil))
	}
	return made, nil
}

func (l layer) push(t target, c *conn) error {
	place, err := begin(t, c)
	if err != nil {
		return err
	}
	header := t.request("PATCH", place, octets,
		fmt.Sprintf("Content-Length: %d", l.size+int64(len(l.last))))
	if _, err := c.Write(header); err != nil {
		return refused(c, err)
	}
	for left := l.size; left > 0; left -= blockBytes {
		if _, err := c.Write(l.block[:min(left, blockBytes)]); err != nil {
			return refused(c, err)
		}
	}
	if _, err := c.Write(l.last); err != nil {
		return refused(c, err)
	}
	place, err = expect(c, "PATCH", 202)
	if err != nil {
		return err
	}
	return end(t, c, place, l.digest, nil)
}
