// Package spec reads the YAML in which people define a project, checks it, and writes definitions back as YAML.
//
// A definition file is one plumb.v1.Definitions message; a project is the concatenation of its files. Reading it has
// two steps, and both find every mistake at once, each with its place and a remedy:
//
//   - [Load] reads the files, or [Parse] their content if they are given whole: YAML syntax, unknown and repeated keys,
//     values of the wrong kind, and the field rules that the message annotates.
//   - [Set.Check] looks at the whole: names that are given twice or not at all, outputs that collide (R10), and,
//     through an [Inspector], whether the sources hold what the views declare.
//
// Check repeats what reading found, so that one run reports all. A mistake that would only follow from another is left
// out: nothing is called unknown while a file that might define it cannot be read, and a field that is written wrongly
// is not called missing as well.
package spec
