package parquetfile

import (
	"fmt"
)

// Fields of Parquet's FileMetaData and SchemaElement.
const (
	fieldSchema      = 2
	fieldNumChildren = 5
)

// checkFooter walks over the bytes of a footer and checks its schema.
func checkFooter(footer []byte) error {
	s := &scanner{data: footer}
	found := false
	err := s.fields(0, func(id int64, kind byte) error {
		if id != fieldSchema {
			return s.skip(kind, 1)
		}
		if found = kind == listType; !found {
			return fmt.Errorf("its schema is not a list")
		}
		return s.schema()
	})
	if err == nil && !found {
		err = fmt.Errorf("it has no schema")
	}
	return err
}

// schema walks over the list of elements, which is a tree in depth-first order: each says how many children follow it.
// The list root(2) a b(1) c, for example, is a root with the columns a and b, and c within b. It is walked without
// recursion, so that no depth overflows the stack before it is refused.
func (s *scanner) schema() error {
	var missing []int64 // The children that are still to come, for each group that is open.
	elements, columns := 0, 0
	err := s.list(1, func(kind byte) error {
		if kind != structType {
			return fmt.Errorf("its schema has an element that is not a struct")
		}
		children, err := s.children()
		if err != nil {
			return err
		}
		if elements++; elements > 1 {
			if len(missing) == 0 {
				return fmt.Errorf("its schema has more elements than its groups have children")
			}
			missing[len(missing)-1]--
		}
		switch {
		case children > 0:
			missing = append(missing, children)
		case elements > 1:
			columns++
		}
		for len(missing) > 0 && missing[len(missing)-1] == 0 {
			missing = missing[:len(missing)-1]
		}
		return checkSize(len(missing), columns)
	})
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("its schema has fewer elements than its groups have children")
	}
	return err
}

func checkSize(depth, columns int) error {
	switch {
	case depth > MaxDepth:
		return fmt.Errorf("its columns are nested more than %d deep", MaxDepth)
	case columns > MaxColumns:
		return fmt.Errorf("it has more than %d columns, counting those within others", MaxColumns)
	}
	return nil
}

// children walks over an element of the schema and returns how many children it says it has.
func (s *scanner) children() (int64, error) {
	children := int64(0)
	err := s.fields(2, func(id int64, kind byte) (err error) {
		if id != fieldNumChildren {
			return s.skip(kind, 3)
		}
		if kind != int32Type {
			return fmt.Errorf("its schema has a number of children that is not a number")
		}
		if children, err = s.integer(); err == nil && children < 0 {
			err = fmt.Errorf("its schema has an element with %d children", children)
		}
		return err
	})
	return children, err
}
