package postgres

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// maxDigits is how many digits a decimal number of a file has at most.
const maxDigits = 38

// numericKind stores numbers of a declared size. A type's modifier has its digits and, in eleven bits, how many of them
// come after the point; it is negative for a numeric without a size.
func numericKind(modifier int32) (kind, bool) {
	const header = 4
	if modifier < header {
		return kind{}, false
	}
	digits := (modifier - header) >> 16 & 0xffff
	scale := ((modifier-header)&0x7ff ^ 1024) - 1024
	if digits < 1 || digits > maxDigits || scale < 0 || scale > digits {
		return kind{}, false
	}
	return kind{&arrow.Decimal128Type{Precision: digits, Scale: scale}, addNumeric(digits, scale)}, true
}

// What the sign of a numeric can be, besides 0 for positive.
const negative, notANumber, infinity, minusInfinity = 0x4000, 0xc000, 0xd000, 0xf000

// addNumeric returns how numbers are added. A value is a sequence of digits to the base of 10,000, of which the first
// has a weight: how many come after it before the point.
func addNumeric(digits, scale int32) func(array.Builder, []byte) error {
	return func(builder array.Builder, data []byte) error {
		const fixed = 8
		if len(data) < fixed {
			return errors.New("the number is cut off")
		}
		count, weight := int(bigEndian.Uint16(data)), int(int16(bigEndian.Uint16(data[2:])))
		sign := bigEndian.Uint16(data[4:])
		if data = data[fixed:]; len(data) != 2*count {
			return fmt.Errorf("the number speaks of %d digits to the base of 10,000, and has %d bytes", count, len(data))
		}
		switch sign {
		case notANumber, infinity, minusInfinity:
			return errors.New("it is no finite number, which a decimal column has no place for; make it double precision")
		case 0, negative:
		default:
			return fmt.Errorf("the number has the sign %04x, which is not known", sign)
		}
		// More could not fit, and would take long to find out.
		if count > maxDigits || weight > maxDigits || weight < -maxDigits {
			return fmt.Errorf("the number does not fit into %d digits", digits)
		}
		unscaled, err := unscaledOf(data, 4*(weight-count+1)+int(scale))
		if err != nil {
			return err
		}
		if sign == negative {
			unscaled.Neg(unscaled)
		}
		if unscaled.BitLen() > 127 || !decimal128.FromBigInt(unscaled).FitsInPrecision(digits) {
			return fmt.Errorf("the number does not fit into %d digits", digits)
		}
		builder.(*array.Decimal128Builder).Append(decimal128.FromBigInt(unscaled))
		return nil
	}
}

// unscaledOf is the whole number that digits to the base of 10,000 are, times a power of ten.
func unscaledOf(data []byte, power int) (*big.Int, error) {
	const base = 10_000
	number := new(big.Int)
	for ; len(data) > 0; data = data[2:] {
		digit := bigEndian.Uint16(data)
		if digit >= base {
			return nil, fmt.Errorf("the number has the digit %d to the base of 10,000", digit)
		}
		number.Mul(number, big.NewInt(base))
		number.Add(number, big.NewInt(int64(digit)))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power >= 0 {
		return number.Mul(number, scale), nil
	}
	rest := new(big.Int)
	if number.QuoRem(number, scale, rest); rest.Sign() != 0 {
		return nil, errors.New("the number has more digits after the point than its column")
	}
	return number, nil
}
