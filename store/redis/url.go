package redis

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/fault"
)

// layout is how the servers behind a URL work together. It decides which client of the driver is used, and whether the
// keys of one call may go in one command.
type layout int

const (
	single layout = iota
	sentinel
	cluster
)

// target is what a URL says. The driver's options for all layouts are one type, of which each layout takes what it
// knows, so that the options of a URL are read in one way whatever its scheme.
type target struct {
	layout  layout
	options goredis.UniversalOptions
	// replicas says that reads may be answered by replicas, which can be stale.
	replicas bool
	// tls says that connections are encrypted; the rest is how.
	tls                         bool
	ca, cert, key, expectedHost string
}

// forms are the schemes without TLS, and what a URL of each looks like.
var forms = map[string]struct {
	layout layout
	port   string
	like   string
}{
	"redis":          {single, "6379", "[user:password@]host:port[/database]"},
	"redis+sentinel": {sentinel, "26379", "[user:password@]host:port,host:port[/database]?master=NAME"},
	"redis+cluster":  {cluster, "6379", "[user:password@]host:port,host:port"},
}

// wrong makes the error for a URL. It quotes nothing of the URL: if a URL is malformed, any part can be a password.
func wrong(format string, args ...any) error { return fault.Inputf("online_store", format, args...) }

// parseURL reads a URL whose scheme is one of forms, or one of those with rediss for redis, which means TLS. It fails
// with a *fault.InputError.
func parseURL(text string) (*target, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	plain := scheme
	if name, found := strings.CutPrefix(scheme, "rediss"); found {
		plain = "redis" + name
	}
	form, known := forms[plain]
	if !ok || !known {
		return nil, wrong("is not a Redis URL; write redis://, redis+sentinel:// or redis+cluster://, or with TLS " +
			"rediss://, rediss+sentinel:// or rediss+cluster://")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	hosts := strings.Split(rest[strings.LastIndexByte(rest[:end], '@')+1:end], ",")
	// The standard library reads URLs of one host, so it gets none, and those are read here.
	parsed, err := url.Parse("redis://" + rest[:end-len(strings.Join(hosts, ","))] + rest[end:])
	t := &target{layout: form.layout, tls: plain != scheme}
	if err == nil {
		err = t.locate(hosts, form.port, parsed)
	}
	if err != nil || parsed.Fragment != "" {
		return nil, wrong("is not of the form %s://%s; write the special characters of a password percent-encoded, and "+
			"options as in ?read_timeout=1s", scheme, form.like)
	}
	t.setDefaults()
	return t, t.configure(parsed.RawQuery)
}

// locate reads what comes before the options. Its errors are for its caller alone, since they may quote a password.
func (t *target) locate(hosts []string, port string, parsed *url.URL) error {
	for _, host := range hosts {
		name, number, err := net.SplitHostPort(host)
		if err != nil {
			name, number = strings.Trim(host, "[]"), port
		}
		if _, err := strconv.ParseUint(number, 10, 16); err != nil {
			return err
		}
		if name == "" || strings.ContainsAny(name, "[] ") || strings.Contains(name, ":") && !strings.HasPrefix(host, "[") {
			return fmt.Errorf("%q is no host", host)
		}
		t.options.Addrs = append(t.options.Addrs, net.JoinHostPort(name, number))
	}
	if t.layout == single && len(hosts) != 1 {
		return fmt.Errorf("%d hosts", len(hosts))
	}
	t.options.Username = parsed.User.Username()
	t.options.Password, _ = parsed.User.Password()
	database := strings.TrimPrefix(parsed.Path, "/")
	if database == "" {
		return nil
	}
	if t.layout == cluster {
		return fmt.Errorf("a cluster has no databases")
	}
	number, err := strconv.ParseUint(database, 10, 31)
	t.options.DB = int(number)
	return err
}

// setDefaults are for a server that is gone: it is reported soon, since the caller knows better than this client how
// long to go on trying.
func (t *target) setDefaults() {
	t.options.ContextTimeoutEnabled = true
	t.options.DialerRetries = 1
	t.options.DialTimeout = 2 * time.Second
	// Every command that the store sends can be sent again: reads change nothing, and the script that writes stores a row
	// if it is as new as the stored one, so that a second run after a lost answer does what the first did.
	t.options.MaxRetries = 1
}

// options are those that a URL may have, each with how it is set. What a setter returns goes on after the name.
var options = map[string]func(t *target, value string) error{
	"pool_size":          count(func(o *goredis.UniversalOptions) *int { return &o.PoolSize }, 1),
	"min_idle_conns":     count(func(o *goredis.UniversalOptions) *int { return &o.MinIdleConns }, 0),
	"max_idle_conns":     count(func(o *goredis.UniversalOptions) *int { return &o.MaxIdleConns }, 0),
	"max_active_conns":   count(func(o *goredis.UniversalOptions) *int { return &o.MaxActiveConns }, 0),
	"max_retries":        setRetries,
	"pool_timeout":       duration(func(o *goredis.UniversalOptions) *time.Duration { return &o.PoolTimeout }),
	"dial_timeout":       duration(func(o *goredis.UniversalOptions) *time.Duration { return &o.DialTimeout }),
	"read_timeout":       duration(func(o *goredis.UniversalOptions) *time.Duration { return &o.ReadTimeout }),
	"write_timeout":      duration(func(o *goredis.UniversalOptions) *time.Duration { return &o.WriteTimeout }),
	"conn_max_idle_time": duration(func(o *goredis.UniversalOptions) *time.Duration { return &o.ConnMaxIdleTime }),
	"conn_max_lifetime":  duration(func(o *goredis.UniversalOptions) *time.Duration { return &o.ConnMaxLifetime }),
	"client_name":        name(single, func(t *target) *string { return &t.options.ClientName }),
	"master":             name(sentinel, func(t *target) *string { return &t.options.MasterName }),
	"sentinel_username":  name(sentinel, func(t *target) *string { return &t.options.SentinelUsername }),
	"sentinel_password":  name(sentinel, func(t *target) *string { return &t.options.SentinelPassword }),
	"read_replicas":      setReplicas,
	"tls_ca":             encrypted(func(t *target) *string { return &t.ca }),
	"tls_cert":           encrypted(func(t *target) *string { return &t.cert }),
	"tls_key":            encrypted(func(t *target) *string { return &t.key }),
	"tls_server_name":    encrypted(func(t *target) *string { return &t.expectedHost }),
}

// configure reads the options. The name of one that is not known is not quoted: it can be a password with a question
// mark in it.
func (t *target) configure(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return wrong("has options that are not of the form ?read_timeout=1s&pool_size=20")
	}
	for _, option := range slices.Sorted(maps.Keys(values)) {
		set, ok := options[option]
		if !ok {
			return wrong("has an option that is not known after its question mark; the options are %s",
				strings.Join(slices.Sorted(maps.Keys(options)), ", "))
		}
		if len(values[option]) > 1 {
			return wrong("has the option %s more than once", option)
		}
		if err := set(t, values[option][0]); err != nil {
			return wrong("has the option %s, which %v", option, err)
		}
	}
	switch {
	case t.layout == sentinel && t.options.MasterName == "":
		return wrong("needs the option master, the name that the sentinels know the primary by, as in ?master=NAME")
	case (t.cert == "") != (t.key == ""):
		return wrong("has one of the options tls_cert and tls_key; give both, or none")
	}
	return nil
}

func setRetries(t *target, value string) error {
	if err := count(func(o *goredis.UniversalOptions) *int { return &o.MaxRetries }, 0)(t, value); err != nil {
		return err
	}
	if t.options.MaxRetries == 0 {
		t.options.MaxRetries = -1 // For the driver 0 means its default.
	}
	return nil
}

func setReplicas(t *target, value string) (err error) {
	if t.replicas, err = strconv.ParseBool(value); err != nil {
		return fmt.Errorf("must be true or false")
	}
	if t.replicas && t.layout == single {
		return fmt.Errorf("is for Sentinel and Cluster, which know the replicas")
	}
	return nil
}

func count(field func(*goredis.UniversalOptions) *int, least int) func(*target, string) error {
	const most = 100_000
	return func(t *target, value string) error {
		number, err := strconv.Atoi(value)
		if err != nil || number < least || number > most {
			return fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		*field(&t.options) = number
		return nil
	}
}

func duration(field func(*goredis.UniversalOptions) *time.Duration) func(*target, string) error {
	return func(t *target, value string) error {
		length, err := time.ParseDuration(value)
		if err != nil || length <= 0 {
			return fmt.Errorf("must be a duration above nothing, such as 500ms or 2s")
		}
		*field(&t.options) = length
		return nil
	}
}

// name takes a text that is not empty; one for Sentinel is for that alone.
func name(of layout, field func(*target) *string) func(*target, string) error {
	return func(t *target, value string) error {
		switch {
		case of == sentinel && t.layout != sentinel:
			return fmt.Errorf("is for redis+sentinel:// alone")
		case value == "":
			return fmt.Errorf("must not be empty")
		}
		*field(t) = value
		return nil
	}
}

func encrypted(field func(*target) *string) func(*target, string) error {
	return func(t *target, value string) error {
		switch {
		case !t.tls:
			return fmt.Errorf("is for TLS; write rediss for redis at the beginning of the URL")
		case value == "":
			return fmt.Errorf("must not be empty")
		}
		*field(t) = value
		return nil
	}
}
