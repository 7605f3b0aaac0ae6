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
	// OlderLayout says that the rows are stored as an older version did (Upgrader).
	OlderLayout bool  `json:"older_layout,omitempty"`
	Rows        int64 `json:"rows"`
	// Bytes estimates the memory or the disk that the rows and their keys take.
	Bytes int64 `json:"bytes"`
}

// Remover removes the rows of whole views from an online store.
type Remover interface {
	// Remove removes all rows of all generations of one view and nothing else (R16), and returns how many there were; 0
	// if there were none. It works in bounded pieces, so that other callers are served meanwhile. If it returns an error,
	// some of the rows may be gone; calling it again continues. Rows that are written meanwhile may stay.
	Remove(ctx context.Context, project, view string) (int64, error)
}

// Upgrader is an online store that may hold rows in a layout of older versions. Such rows are read like others; moving
// them into the layout of today takes less memory and makes look-ups faster.
type Upgrader interface {
	// HasOlder says whether a project may have rows in an older layout.
	HasOlder(ctx context.Context, project string) (bool, error)
	// Upgrade moves the rows of tables into the layout of today. It works in bounded pieces, so that other callers are
	// served meanwhile, who see each row at any time. progress is called after each piece with how many rows have been
	// moved. If it returns an error, some rows may have been moved; calling it again continues. No process of an older
	// version may write to the tables any more: look-ups do not see what it writes afterwards.
	Upgrade(ctx context.Context, project string, tables []Table, progress func(moved int64)) (UpgradeReport, error)
}

// UpgradeReport counts the rows that were found in an older layout.
type UpgradeReport struct {
	// Moved rows are in the layout of today now.
	Moved int64 `json:"moved"`
	// Unmoved rows of the tables stay as they were, since an older version changed them meanwhile.
	Unmoved int64 `json:"unmoved"`
	// Others belong to none of the tables.
	Others int64 `json:"others"`
}

// StorageAdvisor is an online store whose server may keep the rows of an entity in a compact form, if its settings
// allow for that.
type StorageAdvisor interface {
	// Storage looks at some entities of a project.
	Storage(ctx context.Context, project string) (Storage, error)
}

// Storage is what was found at some entities.
type Storage struct {
	// Entities were looked at, and Compact of them are kept in the compact form.
	Entities int64 `json:"entities"`
	Compact  int64 `json:"compact"`
	// Larger entities are not compact, although they have few rows.
	Larger int64 `json:"larger,omitempty"`
	// Searched entities are compact, but have too many rows for that: look-ups of them take longer.
	Searched int64 `json:"searched,omitempty"`
	// Settings are those of the server with which every entity is kept in the form that suits it. They are empty if all
	// are.
	Settings []string `json:"settings,omitempty"`
	// Bytes are what the larger ones take, and CompactBytes estimates what they would take in the compact form.
	Bytes        int64 `json:"bytes,omitempty"`
	CompactBytes int64 `json:"compact_bytes,omitempty"`
}
