package identity

import (
	_ "embed" // the lists are part of the program
	"fmt"
	"strings"
	"sync"

	"github.com/dyocense/dyocense/controlplane/internal/identity/bloom"
)

// filtergen writes both files; it says where its list comes from.

//go:embed common.txt
var commonText string

// commonPasswords are words and patterns on which the most used passwords are
// built, in lower case.
var commonPasswords = sync.OnceValue(func() map[string]struct{} {
	list := map[string]struct{}{}
	for word := range strings.FieldsSeq(commonText) {
		list[word] = struct{}{}
	}
	return list
})

//go:embed breached.bloom
var breachedBits []byte

// breachedPasswords are the passwords of eight characters and more among 47,023 from
// public leaks, in lower case. It is a small part of what has leaked: see
// docs/security/passwords.md.
var breachedPasswords = sync.OnceValue(func() *bloom.Filter {
	f, err := bloom.Read(breachedBits)
	if err != nil {
		panic(fmt.Sprintf("the bundled list of leaked passwords: %v", err)) // a broken build
	}
	return f
})
