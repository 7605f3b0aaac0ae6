package project

import (
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Message is the status as it goes over the wire. now is what freshness is counted from. The command line makes its
// document of it too, so that plumb status, gRPC and HTTP say the same.
func (s *Status) Message(now time.Time) *plumbv1.StatusResponse {
	response := &plumbv1.StatusResponse{Project: s.Project, Revision: s.Revision}
	if s.LossesUnknown != nil {
		response.LossesUnknown = s.LossesUnknown.Error()
	}
	for i := range s.Views {
		response.Views = append(response.Views, s.Views[i].Message(now))
	}
	return response
}

// Message is the status of a view as it goes over the wire.
func (s *ViewStatus) Message(now time.Time) *plumbv1.ViewStatus {
	message := &plumbv1.ViewStatus{
		View: s.View.Name, Online: s.View.Online, State: string(s.State),
		WaitingRows: s.Waiting.Rows, Generation: s.View.Generation, Rebuild: s.View.Rebuild,
	}
	if s.AheadOfClock != nil {
		message.AheadOfClock = s.AheadOfClock.Error()
	}
	if s.Waiting.Rows > 0 {
		message.WaitingSinceMicros = s.Waiting.Since.UnixMicro()
	}
	if s.Done != nil {
		for _, interval := range s.Done.Intervals {
			message.Done = append(message.Done, &plumbv1.Interval{StartMicros: interval.Start, EndMicros: interval.End})
		}
		message.FreshnessMicros = new(now.UnixMicro() - s.Done.First().End)
	}
	if s.Last != nil {
		message.LastRun = RunMessage(*s.Last)
	}
	if s.Windows != nil {
		message.StoredWindows = s.Windows.message()
	}
	return message
}

func (s *StoredWindows) message() *plumbv1.StoredWindows {
	message := &plumbv1.StoredWindows{MostTiles: s.MostTiles, MeanTiles: s.MeanTiles, MeanBytes: s.MeanBytes,
		FloorMicros: (*int64)(s.Floor)}
	for _, window := range s.Windows {
		message.Windows = append(message.Windows, window.Message())
	}
	return message
}

// RunMessage is a run as it goes over the wire.
func RunMessage(run registry.Run) *plumbv1.Run {
	message := &plumbv1.Run{
		Id: run.ID, View: run.View, Window: &plumbv1.Interval{StartMicros: run.Start, EndMicros: run.End},
		Outcome: string(run.Outcome), StartedMicros: run.StartedAt.UnixMicro(), Read: run.Read, Written: run.Written,
		Older: run.Older, NullKeys: run.NullKeys, NullTimes: run.NullTimes, Skipped: run.Skipped, Bytes: run.Bytes,
		Tiles: run.Tiles, Error: run.Error,
	}
	if !run.FinishedAt.IsZero() {
		message.FinishedMicros = run.FinishedAt.UnixMicro()
	}
	return message
}
