package identity

import (
	_ "embed" // the list is part of the program
	"strings"
	"sync"
)

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
