// Wheelplatform prints the platform of a wheel that carries a Linux binary, such as manylinux_2_34_x86_64. It names the
// oldest glibc that has what the binary needs (PEP 600):
//
//	wheelplatform bin/plumb
package main

import (
	"debug/elf"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("wheelplatform: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: wheelplatform BINARY")
	}
	platform, err := platform(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(platform)
}

// platform returns the platform that a binary needs.
func platform(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s is not a Linux binary, the only kind that wheels are made of: %w", path, err)
	}
	defer file.Close()
	architecture, known := map[elf.Machine]string{elf.EM_X86_64: "x86_64", elf.EM_AARCH64: "aarch64"}[file.Machine]
	if !known {
		return "", fmt.Errorf("%s is for %s; wheels are made for x86_64 and aarch64", path, file.Machine)
	}
	needed, err := file.DynamicVersionNeeds()
	if err != nil {
		return "", fmt.Errorf("%s: what it needs of other libraries: %w", path, err)
	}
	minor := 17 // The oldest that has a name of this form.
	for _, library := range needed {
		for _, version := range library.Needs {
			if rest, found := strings.CutPrefix(version.Dep, "GLIBC_2."); found {
				number, err := strconv.Atoi(strings.SplitN(rest, ".", 2)[0])
				if err != nil {
					return "", fmt.Errorf("%s: %s needs %s, which is no version", path, library.Name, version.Dep)
				}
				minor = max(minor, number)
			}
		}
	}
	return fmt.Sprintf("manylinux_2_%d_%s", minor, architecture), nil
}
