package online

import "context"

// Surveyor reports what an online store holds. It is safe for concurrent use, also while others write.
type Surveyor interface {
	// Survey returns what the store holds of a project, ordered by view and generation; nothing if it holds nothing. It
	// reads in bounded pieces, so that other callers are served meanwhile. What changes in the meantime may be counted or
	// not; what does not change is counted once, but for keys that a Redis moves meanwhile.
	Survey(ctx context.Context, project string) ([]Holding, error)
}

// Holding is what a store holds of one generation of a view, whether or not the view still is registered.
type Holding struct {
	View       string `json:"view"`
	Generation int64  `json:"generation"`
	Rows       int64  `json:"rows"`
	// Bytes estimates the memory or the disk that the rows and their keys take.
	Bytes int64 `json:"bytes"`
}

// Remover removes the rows of whole views from an online store.
type Remover interface {
	// Remove removes all rows of all generations of one view and nothing else (R16), and returns how many there were; 0 if
	// there were none. It works in bounded pieces, so that other callers are served meanwhile. If it returns an error,
	// some of the rows may be gone; calling it again continues. Rows that are written meanwhile may stay.
	Remove(ctx context.Context, project, view string) (int64, error)
}
