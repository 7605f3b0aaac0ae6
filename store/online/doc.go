// Package online is the contract of an online store: rows under entity keys, of which the newest wins (R14), in tables
// that never meet (R16).
//
// A table has the rows of one generation of one view. Keys and values are bytes that package packed defines, and a
// store knows nothing of them but the first VersionSize bytes of a value, which say whether it replaces another. So a
// store that holds (event time 10, created time 1) keeps it when (10, 0) arrives, and replaces it when (10, 2) does,
// whatever the features are.
//
// Marks are rows under keys that no entity has. They show that a store has lost rows.
//
// store/sqlite and store/redis are online stores, and onlinetest.Run is the suite that each passes.
package online
