package connect

// Progress is how far a statement is, as far as Spark has planned it. It is what the server says.
type Progress struct {
	// Stages, Tasks and their finished parts are of all stages that have begun; Running is how many tasks run now.
	Stages, StagesDone, Tasks, TasksDone, Running int64
	// Bytes is how much of the input was read.
	Bytes int64
}

func (p *executionProgress) sum() Progress {
	total := Progress{Stages: int64(len(p.Stages)), Running: p.NumInflightTasks}
	for _, stage := range p.Stages {
		if stage.Done {
			total.StagesDone++
		}
		total.Tasks += stage.NumTasks
		total.TasksDone += stage.NumCompletedTasks
		total.Bytes += stage.InputBytesRead
	}
	return total
}
