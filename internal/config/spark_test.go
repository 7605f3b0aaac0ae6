package config_test

import "github.com/plumbstore/plumb/internal/config"

// sparkPrecedence are the keys of the offline engine spark, which come before those of objects.
var sparkPrecedence = []precedent{
	{"offline.engine", "spark", "duckdb", "spark",
		func(s *shown) { s.Offline.Engine = "spark" }, func(s *shown) { s.Offline.Engine = "duckdb" },
		func(s *shown) { s.Offline.Engine = "spark" }},
	{"offline.spark.remote", "a", "b", "c",
		func(s *shown) { s.Offline.Spark.Remote = config.NewSecret("a") },
		func(s *shown) { s.Offline.Spark.Remote = config.NewSecret("b") },
		func(s *shown) { s.Offline.Spark.Remote = config.NewSecret("c") }},
	{"offline.spark.token", "a", "b", "c",
		func(s *shown) { s.Offline.Spark.Token = config.NewSecret("a") },
		func(s *shown) { s.Offline.Spark.Token = config.NewSecret("b") },
		func(s *shown) { s.Offline.Spark.Token = config.NewSecret("c") }},
	{"offline.spark.staging", "/a", "/b", "s3://a/b",
		func(s *shown) { s.Offline.Spark.Staging = "/a" }, func(s *shown) { s.Offline.Spark.Staging = "/b" },
		func(s *shown) { s.Offline.Spark.Staging = "s3://a/b" }},
	{"offline.spark.settings", "{a: b}", "a=c", "a=d",
		func(s *shown) { s.Offline.Spark.Settings = map[string]string{"a": "b"} },
		func(s *shown) { s.Offline.Spark.Settings = map[string]string{"a": "c"} },
		func(s *shown) { s.Offline.Spark.Settings = map[string]string{"a": "d"} }},
	{"offline.spark.tls_ca", "/a", "/b", "/c",
		func(s *shown) { s.Offline.Spark.CA = "/a" }, func(s *shown) { s.Offline.Spark.CA = "/b" },
		func(s *shown) { s.Offline.Spark.CA = "/c" }},
	{"offline.spark.tls_cert", "/a", "/b", "/c",
		func(s *shown) { s.Offline.Spark.Cert = "/a" }, func(s *shown) { s.Offline.Spark.Cert = "/b" },
		func(s *shown) { s.Offline.Spark.Cert = "/c" }},
	{"offline.spark.tls_key", "/a", "/b", "/c",
		func(s *shown) { s.Offline.Spark.Key = "/a" }, func(s *shown) { s.Offline.Spark.Key = "/b" },
		func(s *shown) { s.Offline.Spark.Key = "/c" }},
	{"offline.spark.tls_server_name", "/a", "/b", "/c",
		func(s *shown) { s.Offline.Spark.ServerName = "/a" }, func(s *shown) { s.Offline.Spark.ServerName = "/b" },
		func(s *shown) { s.Offline.Spark.ServerName = "/c" }},
}
