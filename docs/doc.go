// Package docs holds the documents for users, and the tests that run every command in them.
package docs
