// Package plan compares what a project wants with what it has registered.
//
// [New] is pure: it reads a snapshot and definitions, and returns a [Plan]: one typed [Change] for each thing that is
// added, altered or removed, and the complete next state for [registry.Registry.Apply] to commit. Definitions that
// merely stand in another order, or spell out a default, are no change.
//
// # What becomes of stored rows
//
// A view's rows in the online store outlive the definition that they were written under, so every plan decides what
// becomes of them. The decision is kept in plumbv1.RegisteredView:
//
//   - They are set aside if their meaning changes: the view gets a new generation, and no look-up sees them again.
//   - They have to be written again if they are right but not enough: the view gets a new rebuild. They are still
//     served, and the next materialization starts from the beginning.
//   - They stay as they are otherwise.
//
// For a view over SQL the feature values themselves decide which of two rows of one instant wins (R3), so adding,
// removing or reordering its features changes what its rows mean.
//
// A SQL source means something else when its query does, or when a source changes whose name occurs in the query as a
// word. A name in a comment or a string counts, which sets rows aside that could have been kept, but never keeps rows
// that should have been set aside.
//
// # Hazards
//
// A [Hazard] is what a change does to others. Codes are stable; what starts anew says which of the above follows.
//
//	code   change                                                          stored rows
//	PB101  a feature's type                                                set aside
//	PB102  what a view reads: its source, a feature's column, the order    set aside
//	       of features that breaks ties, a former feature's name
//	PB103  a view's entities or join keys                                  set aside
//	PB104  a shorter ttl                                                   stay; expire earlier
//	PB105  a longer ttl, or none any more                                  written again
//	PB106  a view is removed                                               stay unread
//	PB107  a feature is removed                                            stay (set aside over SQL)
//	PB108  a view is no longer online                                      stay unread
//	PB109  a service is removed, or its output or label columns change     stay
//	PB110  a feature is added to a view                                    written again (set aside over SQL)
//	PB111  a view's push log goes or moves                                 stay
//	PB112  what an on-demand view computes                                 (none)
//	PB113  what a view with aggregations computes: its aggregations, the   set aside
//	       columns that they read, the filter
//
// Things that are new have no hazards, nor do descriptions, tags, and what is sensitive.
package plan
