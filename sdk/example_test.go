package plumb_test

import (
	"context"
	"fmt"
	"time"

	plumb "github.com/plumbstore/plumb/sdk"
)

// midnight is an instant at which the newest of what is materialized is visible.
var midnight = time.Date(2013, 7, 4, 0, 0, 0, 0, time.UTC)

func Example() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	features, err := client.Online(context.Background(), plumb.OnlineRequest{
		Features: []string{"weather:temp", "weather:gust"},
		Keys:     []plumb.Key{plumb.NewKey("airport", "EWR", "JFK", "nowhere")},
		At:       midnight,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range features.Rows() {
		temp, tempStatus := row.Value("temp")
		gust, gustStatus := row.Value("gust")
		fmt.Println(temp, tempStatus, gust, gustStatus)
	}
	// Output:
	// 80.06 PRESENT <nil> NULL
	// 73.4 PRESENT <nil> NULL
	// <nil> NOT_FOUND <nil> NOT_FOUND
}

func ExampleConnect() {
	client, err := plumb.Connect(target, plumb.WithTimeout(200*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	_, err = plumb.Connect("feature-server:6570")
	fmt.Println(err)
	// Output:
	// connect to "feature-server:6570": write grpc://host:port, or grpcs://host:port for TLS
}

func ExampleColumnOf() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	features, err := client.Online(context.Background(), plumb.OnlineRequest{
		Features:        []string{"weather:temp"},
		Keys:            []plumb.Key{plumb.NewKey("airport", "EWR", "JFK", "nowhere")},
		EventTimestamps: true,
		At:              midnight,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	temps, err := plumb.ColumnOf[float64](features, "temp")
	if err != nil {
		fmt.Println(err)
		return
	}
	for row := range temps.Len() {
		if temp, ok := temps.At(row); ok {
			observed, _ := temps.EventTime(row)
			fmt.Printf("%.2f °F at %s\n", temp, observed.Format(time.TimeOnly))
		} else {
			fmt.Println(temps.Status(row))
		}
	}
	// Output:
	// 80.06 °F at 00:00:00
	// 73.40 °F at 00:00:00
	// NOT_FOUND
}

func ExampleProvenanceOf() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	features, err := client.Online(context.Background(), plumb.OnlineRequest{
		Features:   []string{"weather:temp"},
		Keys:       []plumb.Key{plumb.NewKey("airport", "EWR", "nowhere")},
		Provenance: true,
		At:         midnight.Add(30 * time.Minute),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	weather, err := plumb.ProvenanceOf(features, "weather")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(weather.View(), "of revision", weather.DefinitionRevision(), weather.DefinitionHash()[:12])
	for row := range features.Len() {
		if from, ok := weather.At(row); ok {
			fmt.Println("written by run", from.Run, "of", from.EventTime.Format(time.TimeOnly), "aged", from.Age)
		} else {
			fmt.Println("no row")
		}
	}
	// Output:
	// weather of revision 1 c12d7ac79ebf
	// written by run 7 of 00:00:00 aged 30m0s
	// no row
}

func ExampleClient_Online() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	features, err := client.Online(context.Background(), plumb.OnlineRequest{
		Service: "delay_model",
		Keys: []plumb.Key{
			plumb.NewKey("origin", "EWR"), plumb.NewKey("dest", "JFK"),
			plumb.NewKey("tailnum", "N11206"), plumb.NewKey("carrier", "UA"),
		},
		At: midnight,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	seats, err := plumb.ColumnOf[int32](features, "plane__seats")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(seats.At(0))
	// Output:
	// 149 true
}

func ExampleViolations() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	_, err = client.Online(context.Background(), plumb.OnlineRequest{
		Features: []string{"weather:temp"},
		Keys:     []plumb.Key{plumb.NewKey("airport", int64(7)), plumb.NewKey("aircraft", "EWR")},
	})
	for _, violation := range plumb.Violations(err) {
		fmt.Printf("%s: %s\n", violation.Field, violation.Description)
	}
	// Output:
	// aircraft: is not a key of these features; their keys are airport
	// airport: holds INT64 values; its keys are STRING
}

func ExampleClient_Views() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	views, err := client.Views(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, view := range views {
		fmt.Println(view.GetName(), view.GetEntities(), view.GetTtl().AsDuration())
	}
	// Output:
	// airport_hour [airport] 2h0m0s
	// airport_traffic [airport] 0s
	// carrier_day [carrier] 48h0m0s
	// carrier_record [carrier] 0s
	// plane [plane] 0s
	// plane_record [plane] 0s
	// weather [airport] 3h0m0s
	// wind [airport] 3h0m0s
}

func ExampleClient_Push() {
	client, err := plumb.Connect(target)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	seats := int32(181)
	report, err := client.Push(context.Background(), plumb.PushRequest{
		View:       "plane",
		Keys:       []plumb.Key{plumb.NewKey("tailnum", "N1PLUMB", "N2PLUMB")},
		EventTimes: []time.Time{midnight, midnight.AddDate(1000, 0, 0)},
		Features: []plumb.Feature{
			plumb.NewFeature("year", int32(2013), int32(2014)),
			plumb.NewFeature("manufacturer", "AIRBUS", "BOEING"),
			plumb.NewFeature("engines", int32(2), int32(2)),
			plumb.NewNullableFeature("seats", &seats, nil),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Written, "written")
	for _, refused := range report.Refused {
		fmt.Println("row", refused.Row, "refused:", refused.Field)
	}
	// Output:
	// 1 written
	// row 1 refused: event_timestamps
}
