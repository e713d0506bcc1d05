// Renders a chart as `helm template` does, for machines without helm: coalesced values, the values' schema, text/template with
// sprig and Helm's own functions. What it leaves out, the chart does not use: dependencies, hooks, lookup against a cluster,
// .Files, --set's lists and escapes.
//
//	render [-f VALUES]… [-set PATH=YAML]… [-release NAME] [-namespace NS] [-kube-version V] [-notes | -values] CHART
//
// Prints a JSON array of the objects, or NOTES.txt's text, or the merged values as JSON.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, ",") }
func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }

func main() {
	var files, sets repeated
	flag.Var(&files, "f", "values file; later ones win")
	flag.Var(&sets, "set", "PATH=YAML; wins over files")
	release := flag.String("release", "fairlead", "release name")
	namespace := flag.String("namespace", "kube-system", "release namespace")
	kubeVersion := flag.String("kube-version", "v1.30.0", ".Capabilities.KubeVersion")
	notes := flag.Bool("notes", false, "print NOTES.txt only")
	valuesOnly := flag.Bool("values", false, "print the merged values only")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	err := run(flag.Arg(0), files, sets, context{*release, *namespace, *kubeVersion}, *notes, *valuesOnly)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(dir string, files, sets []string, at context, notes, valuesOnly bool) error {
	chart, err := readChart(dir)
	if err != nil {
		return err
	}
	merged, err := mergedValues(chart.values, files, sets)
	if err != nil {
		return err
	}
	if err := validate(chart.schema, merged); err != nil {
		return err
	}
	if valuesOnly {
		return printJson(merged)
	}
	rendered, err := chart.render(merged, at)
	if err != nil {
		return err
	}
	if notes {
		fmt.Print(rendered["NOTES.txt"])
		return nil
	}
	objects, err := parseObjects(rendered)
	if err != nil {
		return err
	}
	return printJson(objects)
}

func printJson(value interface{}) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// mergedValues lays files, then sets, over the chart's own values. A null removes a key, as in Helm.
func mergedValues(base values, files, sets []string) (values, error) {
	merged := base
	for _, file := range files {
		var over values
		if err := readYaml(file, &over); err != nil {
			return nil, err
		}
		overlay(merged, over)
	}
	for _, set := range sets {
		path, text, found := strings.Cut(set, "=")
		if !found {
			return nil, fmt.Errorf("-set %q: no = in it", set)
		}
		var leaf interface{}
		if err := yaml.Unmarshal([]byte(text), &leaf); err != nil {
			return nil, fmt.Errorf("-set %s: %w", path, err)
		}
		keys := strings.Split(path, ".")
		for i := len(keys) - 1; i >= 0; i-- {
			leaf = values{keys[i]: leaf}
		}
		overlay(merged, leaf.(values))
	}
	return merged, nil
}

func overlay(base, over values) {
	for key, value := range over {
		baseMap, isMap := base[key].(values)
		overMap, overIsMap := value.(values)
		switch {
		case value == nil:
			delete(base, key)
		case isMap && overIsMap:
			overlay(baseMap, overMap)
		default:
			base[key] = value
		}
	}
}

func validate(schema []byte, merged values) error {
	if schema == nil {
		return nil
	}
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(schema), gojsonschema.NewGoLoader(merged))
	if err != nil {
		return fmt.Errorf("values.schema.json: %w", err)
	}
	if result.Valid() {
		return nil
	}
	lines := []string{"values don't meet the specifications of the schema(s) in the following chart(s):"}
	for _, problem := range result.Errors() {
		lines = append(lines, "- "+problem.String())
	}
	return errors.New(strings.Join(lines, "\n"))
}

// parseObjects parses each document strictly: a duplicate key is an error.
func parseObjects(rendered map[string]string) ([]values, error) {
	names := make([]string, 0, len(rendered))
	for name := range rendered {
		if strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	objects := []values{}
	for _, name := range names {
		for _, document := range strings.Split("\n"+rendered[name], "\n---\n") {
			var object values
			if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
				return nil, fmt.Errorf("%s: %w in\n%s", name, err, document)
			}
			if object != nil {
				objects = append(objects, object)
			}
		}
	}
	return objects, nil
}

func readYaml(path string, into interface{}) error {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
