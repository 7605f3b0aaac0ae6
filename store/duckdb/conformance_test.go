package duckdb_test

import (
	"os"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/offline/offlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

// suite checks this engine against the offline contract, whatever strategy it chooses.
var suite = offlinetest.Suite{Offline: suiteWith(func(*duckdb.Engine) {})}

// Each way to join is checked against it: features that the index does not keep, keys with one hash, and both at once
// with labels that are indexed in parts.
var (
	fetching  = suiteWith(func(e *duckdb.Engine) { e.NeverKeeps() })
	colliding = suiteWith(func(e *duckdb.Engine) { e.WeakenHashes() })
	inPasses  = suiteWith(func(e *duckdb.Engine) { e.NeverKeeps(); e.WeakenHashes(); e.Passes(3) })
)

func suiteWith(change func(*duckdb.Engine)) storetest.Offline {
	return storetest.Offline{Open: func(t testing.TB, projectDir string, threads int) offline.Engine {
		engine := openEngine(t, projectDir, threads)
		change(engine)
		return engine
	}}
}

func openEngine(t testing.TB, projectDir string, threads int) *duckdb.Engine {
	temporary := projectDir + ".tmp"
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		t.Fatal(err)
	}
	engine, err := duckdb.Open(duckdb.Config{
		ProjectDir:  projectDir,
		Roots:       []string{"data"},
		MemoryLimit: "512MB",
		Threads:     threads,
		TempDir:     temporary,
	})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// rules are those that a join has to keep. Each has a test of its name, and is held in passes too.
var rules = []string{"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R18", "R19",
	"R20", "R21", "R22", "R25", "R26"}

func rule(t *testing.T, name string) {
	if !slices.Contains(rules, name) {
		t.Errorf("%s is not held in passes", name)
	}
	suite.Rule(t, name)
}

func TestRulesHoldInPasses(t *testing.T) {
	for _, name := range rules {
		t.Run(name, func(t *testing.T) { inPasses.Rule(t, name) })
	}
}

func TestR1_AllTimesAreInstants(t *testing.T)                      { rule(t, "R1") }
func TestR2_VisibilityIsToTheMicrosecond(t *testing.T)             { rule(t, "R2") }
func TestR3_TheGreatestRowWins(t *testing.T)                       { rule(t, "R3") }
func TestR4_AsKnownHidesWhatHadNotArrived(t *testing.T)            { rule(t, "R4") }
func TestR5_WindowsAreHalfOpen(t *testing.T)                       { rule(t, "R5") }
func TestR6_OneRowForEachLabelInOrder(t *testing.T)                { rule(t, "R6") }
func TestR7_NullsAreValues(t *testing.T)                           { rule(t, "R7") }
func TestR8_NullKeysMatchNothing(t *testing.T)                     { rule(t, "R8") }
func TestR9_KeysAreTypedAndExact(t *testing.T)                     { rule(t, "R9") }
func TestR10_NamesAreKeptOrRefused(t *testing.T)                   { rule(t, "R10") }
func TestR11_OneViewJoinsTwice(t *testing.T)                       { rule(t, "R11") }
func TestR12_ViewsWithoutKeysJoinOnTimeAlone(t *testing.T)         { rule(t, "R12") }
func TestR18_WindowsAreToTheMicrosecond(t *testing.T)              { rule(t, "R18") }
func TestR19_TilesCoverWindowsOnce(t *testing.T)                   { rule(t, "R19") }
func TestR20_OrderIsNothing(t *testing.T)                          { rule(t, "R20") }
func TestR21_FunctionsAreExact(t *testing.T)                       { rule(t, "R21") }
func TestR22_EmptyWindowsAreTold(t *testing.T)                     { rule(t, "R22") }
func TestR25_ExpressionsArePureFunctionsOfRowAndTime(t *testing.T) { rule(t, "R25") }
func TestR26_WhatHasNoValueIsInvalid(t *testing.T)                 { rule(t, "R26") }

func TestR1toR13_RandomJoinsEqualTheReference(t *testing.T)            { suite.RandomJoins(t) }
func TestR1toR13_RandomJoinsFetching(t *testing.T)                     { fetching.RandomJoins(t) }
func TestR1toR13_RandomJoinsInPasses(t *testing.T)                     { inPasses.RandomJoins(t) }
func TestR1toR13_RandomJoinsWithCollidingKeys(t *testing.T)            { colliding.RandomJoins(t) }
func TestR18toR26_RandomWindowsOfEventsEqualTheReference(t *testing.T) { suite.RandomWindowedJoins(t) }
func TestR18toR26_RandomWindowsOfEventsInPasses(t *testing.T)          { inPasses.RandomWindowedJoins(t) }
func TestR18toR26_RandomWindowsOfEventsWithCollidingKeys(t *testing.T) {
	colliding.RandomWindowedJoins(t)
}

func TestR3_RandomTablesEqualTheReference(t *testing.T) {
	fewer(t, "40")
	suite.RandomTables(t)
}

func TestR5_RandomWindowsEqualTheReference(t *testing.T) { suite.RandomWindows(t) }

func TestYieldErrorsComeBack(t *testing.T)          { suite.YieldErrorsComeBack(t) }
func TestR6_CancelledRunsLeaveNothing(t *testing.T) { suite.CancelledRunsLeaveNothing(t) }

func TestR1_AnswersDoNotDependOnTheTimeZoneOfTheMachine(t *testing.T) {
	storetest.InZone(t, "Asia/Kolkata",
		"^(TestR1_AllTimesAreInstants|TestR1toR13_RandomJoinsEqualTheReference|TestR5_RandomWindowsEqualTheReference)$")
}

func TestSourcesOfManyKindsOfFiles(t *testing.T)     { suite.Sources(t) }
func TestTextSourcesAreRead(t *testing.T)            { suite.TextSources(t) }
func TestUnreadableColumnsAreTold(t *testing.T)      { suite.UnreadableColumns(t) }
func TestFilesThatChangeAreErrors(t *testing.T)      { suite.ChangingFiles(t) }
func TestWrongInputIsRefused(t *testing.T)           { suite.Refusals(t) }
func TestUnknownKindsAreRefused(t *testing.T)        { suite.UnknownKinds(t) }
func TestQueriesReadSourcesAlone(t *testing.T)       { suite.QueryRefusals(t) }
func TestQueriesReadOtherQueries(t *testing.T)       { suite.QueriesOverQueries(t) }
func TestUnwritableResultsLeaveNothing(t *testing.T) { suite.UnwritableResultsLeaveNothing(t) }
func TestR9_FailedRunsKeepWhatWasThere(t *testing.T) { suite.FailedRunsKeepWhatWasThere(t) }

func TestR13_StatusesTellAbsenceApart(t *testing.T) { rule(t, "R13") }
func TestColumnsTellWhatTheyMayBecome(t *testing.T) { suite.Inspection(t) }
func TestManyMayAskAtATime(t *testing.T)            { suite.ConcurrentUse(t) }

func TestAWitnessHasEveryRowThatALabelCouldSee(t *testing.T) { suite.Histories(t) }
func TestAWitnessHasEveryRowOfTables(t *testing.T) {
	fewer(t, "40")
	suite.TableHistories(t)
}

func TestTheHistoryOfAQueryHasEveryRow(t *testing.T)        { suite.QueriedHistories(t) }
func TestLabelsComeInTheirOrder(t *testing.T)               { suite.Labels(t) }
func TestLabelsThatAJoinWouldRefuseAreRefused(t *testing.T) { suite.LabelRefusals(t) }

func TestRowsOfAFileComeInItsOrderAndInTheTypesOfTheView(t *testing.T) { suite.FileRows(t) }
func TestR9_MisfitsInAFileAreReportedAndItsOtherRowsAreRead(t *testing.T) {
	suite.FileMisfits(t)
}
func TestEverythingWrongWithAFileOfRowsIsNamedAtOnce(t *testing.T) { suite.FileMistakes(t) }
func TestManyRowsOfAFileComeInPieces(t *testing.T)                 { suite.FileBatches(t) }

func TestFilesWithOtherEndingsAreLeftOut(t *testing.T)       { suite.LeftOut(t) }
func TestR1_EventTimesThatAreMidnightsAreFound(t *testing.T) { suite.Midnights(t) }
func TestWhatMayChooseAmongTiesIsFound(t *testing.T)         { suite.Ties(t) }

func TestFilesAreLocatedBelowTheRootsAlone(t *testing.T)  { suite.Locate(t) }
func TestScratchFoldersArePrivateAndRemoved(t *testing.T) { suite.Scratch(t) }
