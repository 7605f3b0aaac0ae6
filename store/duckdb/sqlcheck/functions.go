package sqlcheck

import (
	"maps"
	"slices"
	"strings"
)

// What a SQL source may call is listed here, and everything else is refused. TestEveryFunctionOfDuckDBIsDecidedUpon
// compares the lists with DuckDB's own, so that a function that a newer version adds is refused and fails that test
// until somebody decides about it.

// pureFunctions depend on nothing but their arguments, and their results are not much larger than these.
var pureFunctions = set(`
	!__postfix !~~ !~~* % & && * ** + - ->> / // <-> << <=> <@ >> @ @> ^ ^@ | || ~ ~~ ~~* ~~~
	abs acos acosh add age alias apply array_append array_apply array_cat array_concat array_contains
	array_cosine_distance array_cosine_similarity array_cross_product array_distance array_distinct array_dot_product
	array_extract array_filter array_grade_up array_has array_has_all array_has_any array_indexof array_inner_product
	array_intersect array_length array_negative_dot_product array_negative_inner_product array_pop_back array_pop_front
	array_position array_prepend array_push_back array_push_front array_reduce array_reverse array_reverse_sort
	array_select array_slice array_sort array_to_json array_to_string array_to_string_comma_default array_transform
	array_unique array_value array_where array_zip ascii asin asinh atan atan2 atanh bar base64 bin bit_count bit_length
	bit_position can_cast_implicitly cardinality cbrt ceil ceiling century char_length character_length chr concat
	concat_ws contains cos cosh cot damerau_levenshtein date_add date_diff date_part date_sub date_trunc datediff datepart
	datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade decode degrees divide editdist3
	element_at encode ends_with enum_code enum_first enum_last enum_range enum_range_boundary epoch epoch_ms epoch_ns
	epoch_us equi_width_bins era even exp factorial fdiv filter flatten floor fmod formatReadableDecimalSize
	formatReadableSize format_bytes from_base64 from_binary from_hex from_json from_json_strict gamma gcd
	generate_subscripts get_bit grade_up greatest greatest_common_divisor hamming hash hex hour ilike_escape instr isfinite
	isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity json json_array json_array_length
	json_contains json_exists json_extract json_extract_path json_extract_path_text json_extract_string json_keys
	json_merge_patch json_object json_pretty json_quote json_structure json_transform json_transform_strict json_type
	json_valid json_value julian last_day lcase lcm least least_common_multiple left left_grapheme len length
	length_grapheme levenshtein lgamma like_escape list_any_value list_append list_apply list_avg list_bit_and list_bit_or
	list_bit_xor list_bool_and list_bool_or list_cat list_concat list_contains list_cosine_distance list_cosine_similarity
	list_count list_distance list_distinct list_dot_product list_element list_entropy list_extract list_filter list_first
	list_grade_up list_has list_has_all list_has_any list_histogram list_indexof list_inner_product list_intersect
	list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode list_negative_dot_product
	list_negative_inner_product list_pack list_position list_prepend list_product list_reduce list_reverse
	list_reverse_sort list_select list_sem list_skewness list_slice list_sort list_stddev_pop list_stddev_samp
	list_string_agg list_sum list_transform list_unique list_value list_var_pop list_var_samp list_where list_zip ln log
	log10 log2 lower ltrim make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz map
	map_concat map_contains map_contains_entry map_contains_value map_entries map_extract map_extract_value
	map_from_entries map_keys map_values md5 md5_number md5_number_lower md5_number_upper microsecond millennium
	millisecond minute mismatches mod month monthname multiply nanosecond nextafter nfc_normalize normalized_interval
	not_ilike_escape not_like_escape nullif octet_length ord parse_dirname parse_dirpath parse_filename
	parse_formatted_bytes parse_path pg_typeof pi position pow power prefix quarter radians reduce regexp_escape
	regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_split_to_array
	regexp_split_to_table reverse right right_grapheme
	round round_even roundbankers row row_to_json rtrim second set_bit sha1 sha256 sign signbit sin sinh split split_part
	sqrt starts_with str_split str_split_regex strftime string_split string_split_regex string_to_array strip_accents
	strlen strpos strptime struct_concat struct_contains struct_extract struct_extract_at struct_has struct_indexof
	struct_insert struct_keys struct_pack struct_position struct_update struct_values substr substring substring_grapheme
	subtract suffix tan tanh time_bucket timetz_byte_comparable timezone timezone_hour timezone_minute to_base to_base64
	to_binary to_centuries to_days to_decades to_hex to_hours to_json to_microseconds to_millennia to_milliseconds
	to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years translate trim trunc try_strptime typeof
	ucase unbin unhex unicode union_extract union_tag union_value unnest unpivot_list upper url_decode url_encode
	uuid_extract_timestamp uuid_extract_version week weekday weekofyear xor year yearweek`)

// growingFunctions can make a value of any size out of a few bytes. What bounds them has to be written out in the
// query: see boundGrowth. DuckDB counts such values against no limit, and it cannot be stopped while it makes one.
var growingFunctions = set("format generate_series lpad printf range regexp_replace replace rpad")

// unorderedAggregates give one result whatever the order in which they meet the rows.
var unorderedAggregates = set(`
	bit_and bit_or bit_xor bitstring_agg bool_and bool_or count count_if count_star countif histogram histogram_exact mad
	max median min quantile quantile_cont quantile_disc regr_count`)

// orderedAggregates depend on the order of the rows: by rounding, or if rows tie. Their arguments are that order, so
// that they too have one result: see orderAggregates.
var orderedAggregates = set(`
	any_value arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin avg corr
	covar_pop covar_samp entropy favg fsum kahan_sum kurtosis kurtosis_pop max_by mean min_by mode product regr_avgx
	regr_avgy regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sem skewness stddev stddev_pop stddev_samp sum
	sumkahan var_pop var_samp variance`)

// sequenceAggregates are about the order of the rows, so that a query has to give one.
var sequenceAggregates = set("array_agg arbitrary first group_concat last list listagg string_agg")

// peerWindows give rows that tie one result; tieWindows tell such rows apart.
var (
	peerWindows = set("cume_dist dense_rank percent_rank rank rank_dense")
	tieWindows  = set("fill first_value lag last_value lead nth_value ntile row_number")
)

// tableFunctions are those that produce rows from their arguments alone.
var tableFunctions = set("generate_series range repeat repeat_row unnest")

// refusedWords are functions that are called without parentheses if no column has that name. They read the clock or the
// session. "user" is omitted, since columns have that name and the function is a constant.
var refusedWords = set(`current_catalog current_date current_role current_schema current_time current_timestamp
	current_user localtime localtimestamp session_user`)

// instead says what to write in the place of functions that are refused.
var instead = map[string]string{
	"approx_count_distinct": "write count(DISTINCT …)",
	"approx_quantile":       "write quantile_cont(…)",
	"approx_top_k":          "group by the value and take the greatest counts",
	"reservoir_quantile":    "write quantile_cont(…)",
	"geomean":               "write exp(avg(ln(x)))",
	"geometric_mean":        "write exp(avg(ln(x)))",
	"wavg":                  "write sum(x * w) / sum(w)",
	"weighted_avg":          "write sum(x * w) / sum(w)",
	"json_group_array":      "write to_json(list(x ORDER BY …))",
	"list_aggregate":        "write list_sum(x), list_avg(x), list_max(x) and the like",
	"list_aggr":             "write list_sum(x), list_avg(x), list_max(x) and the like",
}

// set is the words of a text.
func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[strings.ToLower(word)] = true
	}
	return all
}

// callable are the functions that a SQL source may call, by what has to be seen to when it does.
var callable = []map[string]bool{pureFunctions, growingFunctions, unorderedAggregates, orderedAggregates,
	sequenceAggregates, peerWindows, tieWindows}

// MayCall says whether a SQL source may call the scalar or aggregate function.
func MayCall(name string) bool {
	return slices.ContainsFunc(callable, func(allowed map[string]bool) bool { return allowed[name] })
}

// MayRead says whether a SQL source may read rows from the table function.
func MayRead(name string) bool { return tableFunctions[name] }

// Named are all that a list names.
func Named() []string {
	names := slices.Collect(maps.Keys(tableFunctions))
	for _, allowed := range callable {
		names = slices.AppendSeq(names, maps.Keys(allowed))
	}
	return names
}
