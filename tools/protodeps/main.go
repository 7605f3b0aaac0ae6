// Command protodeps writes the .proto files that ours import and that no package registry offers as text:
// buf/validate/validate.proto, printed from the descriptor inside its generated Go package.
//
// Usage: protodeps DIR
package main

import (
	"fmt"
	"os"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: protodeps DIR")
		os.Exit(3)
	}
	files := []protoreflect.FileDescriptor{validate.File_buf_validate_validate_proto}
	if err := (&protoprint.Printer{}).PrintProtosToFileSystem(files, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "protodeps:", err)
		os.Exit(1)
	}
}
