// SPDX-License-Identifier: GPL-2.0-only

package main

import "fmt"

// A field of a protobuf message. A varint is in num, anything else in data.
type field struct {
	number int
	wire   int
	num    uint64
	data   []byte
}

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func varint(b []byte) (uint64, []byte, error) {
	var v uint64
	for i, c := range b {
		if i == 9 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, b[i+1:], nil
		}
		if i == 9 {
			break
		}
	}
	return 0, nil, fmt.Errorf("a varint is cut short or longer than 64 bits")
}

func fields(b []byte) ([]field, error) {
	var out []field
	for len(b) > 0 {
		tag, rest, err := varint(b)
		if err != nil {
			return nil, err
		}
		f := field{number: int(tag >> 3), wire: int(tag & 7)}
		size := uint64(0)
		switch f.wire {
		case wireVarint:
			f.num, rest, err = varint(rest)
		case wireBytes:
			size, rest, err = varint(rest)
		case wireFixed64:
			size = 8
		case wireFixed32:
			size = 4
		default:
			err = fmt.Errorf("field %d has wire type %d", f.number, f.wire)
		}
		if err != nil {
			return nil, err
		}
		if size > uint64(len(rest)) {
			return nil, fmt.Errorf("field %d needs %d bytes, %d are left", f.number, size, len(rest))
		}
		f.data, b = rest[:size], rest[size:]
		out = append(out, f)
	}
	return out, nil
}

// numbers of a repeated integer, packed or not.
func (f field) numbers() ([]uint64, error) {
	if f.wire == wireVarint {
		return []uint64{f.num}, nil
	}
	var out []uint64
	for b := f.data; len(b) > 0; {
		var v uint64
		var err error
		if v, b, err = varint(b); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
