// SPDX-License-Identifier: GPL-2.0-only

package main

import "fmt"

// The message as it lies in the file: string numbers, not strings.

type valueType struct{ typ, unit int64 }

type label struct{ key, str, num, unit int64 }

type sample struct {
	locations []uint64
	values    []int64
	labels    []label
}

type mapping struct {
	id, start, limit, offset uint64
	filename, buildID        int64
	has                      [4]bool
}

type line struct {
	function uint64
	line     int64
}

type location struct {
	id, mapping, address uint64
	lines                []line
}

type function struct {
	id                     uint64
	name, system, filename int64
	startLine              int64
}

type profile struct {
	types       []valueType
	samples     []sample
	mappings    []mapping
	locations   []location
	functions   []function
	strings     []string
	drop, keep  int64
	time        int64
	duration    int64
	periodTypes []valueType
	period      int64
	comments    []int64
	defaultType int64
	docURL      int64
}

// scalars of a message that has only varint fields 1..n and those in others.
func scalars(what string, b []byte, n int, others func(f field) error) ([]uint64, error) {
	fs, err := fields(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %v", what, err)
	}
	out := make([]uint64, n+1)
	for _, f := range fs {
		if f.number >= 1 && f.number <= n && f.wire == wireVarint {
			out[f.number] = f.num
			continue
		}
		if others == nil {
			return nil, fmt.Errorf("%s: field %d of wire type %d is not in the format", what, f.number, f.wire)
		}
		if err := others(f); err != nil {
			return nil, fmt.Errorf("%s: %v", what, err)
		}
	}
	return out, nil
}

func unknown(f field) error {
	return fmt.Errorf("field %d of wire type %d is not in the format", f.number, f.wire)
}

func parseValueType(b []byte) (valueType, error) {
	v, err := scalars("ValueType", b, 2, nil)
	if err != nil {
		return valueType{}, err
	}
	return valueType{int64(v[1]), int64(v[2])}, nil
}

func parseSample(b []byte) (s sample, err error) {
	_, err = scalars("Sample", b, 0, func(f field) error {
		switch {
		case f.number == 1 && (f.wire == wireBytes || f.wire == wireVarint):
			ids, err := f.numbers()
			s.locations = append(s.locations, ids...)
			return err
		case f.number == 2 && (f.wire == wireBytes || f.wire == wireVarint):
			values, err := f.numbers()
			for _, v := range values {
				s.values = append(s.values, int64(v))
			}
			return err
		case f.number == 3 && f.wire == wireBytes:
			v, err := scalars("Label", f.data, 4, nil)
			if err == nil {
				s.labels = append(s.labels, label{int64(v[1]), int64(v[2]), int64(v[3]), int64(v[4])})
			}
			return err
		}
		return unknown(f)
	})
	return
}

func parseMapping(b []byte) (m mapping, err error) {
	v, err := scalars("Mapping", b, 10, nil)
	if err != nil {
		return
	}
	m = mapping{id: v[1], start: v[2], limit: v[3], offset: v[4], filename: int64(v[5]), buildID: int64(v[6])}
	for i := range m.has {
		m.has[i] = v[7+i] != 0
	}
	return
}

func parseLocation(b []byte) (l location, err error) {
	v, err := scalars("Location", b, 3, func(f field) error {
		if f.number == 5 && f.wire == wireVarint {
			return nil
		}
		if f.number != 4 || f.wire != wireBytes {
			return unknown(f)
		}
		v, err := scalars("Line", f.data, 3, nil)
		if err == nil {
			l.lines = append(l.lines, line{v[1], int64(v[2])})
		}
		return err
	})
	if err == nil {
		l.id, l.mapping, l.address = v[1], v[2], v[3]
	}
	return
}

func parseFunction(b []byte) (f function, err error) {
	v, err := scalars("Function", b, 5, nil)
	if err == nil {
		f = function{v[1], int64(v[2]), int64(v[3]), int64(v[4]), int64(v[5])}
	}
	return
}

func (p *profile) message(f field) (err error) {
	switch f.number {
	case 1, 11:
		var t valueType
		if t, err = parseValueType(f.data); f.number == 1 {
			p.types = append(p.types, t)
		} else {
			p.periodTypes = append(p.periodTypes, t)
		}
	case 2:
		var s sample
		s, err = parseSample(f.data)
		p.samples = append(p.samples, s)
	case 3:
		var m mapping
		m, err = parseMapping(f.data)
		p.mappings = append(p.mappings, m)
	case 4:
		var l location
		l, err = parseLocation(f.data)
		p.locations = append(p.locations, l)
	case 5:
		var fn function
		fn, err = parseFunction(f.data)
		p.functions = append(p.functions, fn)
	case 6:
		p.strings = append(p.strings, string(f.data))
	case 13:
		var ids []uint64
		ids, err = f.numbers()
		for _, id := range ids {
			p.comments = append(p.comments, int64(id))
		}
	default:
		err = unknown(f)
	}
	return
}

func (p *profile) number(f field) error {
	v := int64(f.num)
	switch f.number {
	case 7:
		p.drop = v
	case 8:
		p.keep = v
	case 9:
		p.time = v
	case 10:
		p.duration = v
	case 12:
		p.period = v
	case 13:
		p.comments = append(p.comments, v)
	case 14:
		p.defaultType = v
	case 15:
		p.docURL = v
	default:
		return unknown(f)
	}
	return nil
}

func parseProfile(b []byte) (*profile, error) {
	fs, err := fields(b)
	if err != nil {
		return nil, err
	}
	p := &profile{}
	for _, f := range fs {
		switch f.wire {
		case wireBytes:
			err = p.message(f)
		case wireVarint:
			err = p.number(f)
		default:
			err = unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}
