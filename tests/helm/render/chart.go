package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

// context is what differs between two installations of one chart with the same values.
type context struct {
	release, namespace, kubeVersion string
}

type chart struct {
	metadata  values
	values    values
	schema    []byte // nil: none
	templates map[string]string
}

func readChart(dir string) (*chart, error) {
	c := &chart{metadata: values{}, values: values{}, templates: map[string]string{}}
	if err := readYaml(filepath.Join(dir, "Chart.yaml"), &c.metadata); err != nil {
		return nil, err
	}
	if err := readYaml(filepath.Join(dir, "values.yaml"), &c.values); err != nil {
		return nil, err
	}
	schema, err := os.ReadFile(filepath.Join(dir, "values.schema.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	c.schema = schema
	paths, err := filepath.Glob(filepath.Join(dir, "templates", "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return nil, err
		}
		c.templates[filepath.Base(path)] = string(text)
	}
	return c, nil
}

// render executes every template but the partials (names that begin with _).
func (c *chart) render(merged values, at context) (map[string]string, error) {
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	for name, text := range c.templates {
		if _, err := root.New(name).Parse(text); err != nil {
			return nil, err
		}
	}
	data := values{
		"Values": merged,
		"Chart":  capitalised(c.metadata),
		"Release": values{
			"Name": at.release, "Namespace": at.namespace, "Service": "Helm",
			"IsInstall": true, "IsUpgrade": false, "Revision": 1,
		},
		"Capabilities": values{
			"KubeVersion": values{"Version": at.kubeVersion, "GitVersion": at.kubeVersion},
			"APIVersions": apiVersions{"v1": true, "apps/v1": true, "rbac.authorization.k8s.io/v1": true},
		},
	}
	rendered := map[string]string{}
	for name := range c.templates {
		if strings.HasPrefix(name, "_") {
			continue
		}
		var out strings.Builder
		data["Template"] = values{"Name": "templates/" + name, "BasePath": "templates"}
		if err := root.ExecuteTemplate(&out, name, data); err != nil {
			return nil, err
		}
		// As Helm: a missing value is empty, not "<no value>".
		rendered[name] = strings.ReplaceAll(out.String(), "<no value>", "")
	}
	return rendered, nil
}

type apiVersions map[string]bool

func (v apiVersions) Has(name string) bool { return v[name] }

// capitalised gives Chart.yaml's keys the names that templates use: appVersion is .Chart.AppVersion.
func capitalised(metadata values) values {
	out := values{}
	for key, value := range metadata {
		out[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return out
}

// functions are sprig's without those that read this machine (Helm forbids them too), and Helm's own.
func functions(root *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(funcs, name)
	}
	funcs["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	funcs["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := root.Clone()
		if err != nil {
			return "", err
		}
		parsed, err := copied.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = parsed.Execute(&out, data)
		return out.String(), err
	}
	funcs["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	funcs["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	funcs["fromYaml"] = func(text string) (values, error) {
		out := values{}
		return out, yaml.Unmarshal([]byte(text), &out)
	}
	funcs["toJson"] = func(value interface{}) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	funcs["lookup"] = func(_, _, _, _ string) (values, error) { return values{}, nil }
	funcs["fail"] = func(message string) (string, error) { return "", fmt.Errorf("%s", message) }
	return funcs
}
