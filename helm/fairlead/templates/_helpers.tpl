{{- define "fairlead.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fairlead.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "fairlead.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fairlead.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector matches; it can never change for a DaemonSet that exists. */}}
{{- define "fairlead.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fairlead.labels" -}}
{{ include "fairlead.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "fairlead.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "fairlead.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Not empty where the container gets what the eBPF datapath needs. */}}
{{- define "fairlead.hasEbpf" -}}
{{- if or (ne .Values.agent.datapath "nftables") (eq .Values.ebpf.access "always") }}yes{{ end -}}
{{- end -}}

{{/* Not empty where the agent connects the pods, too. */}}
{{- define "fairlead.hasPodNetwork" -}}
{{- if ne (dig "podNetwork" "mode" "none" .Values.agent) "none" }}yes{{ end -}}
{{- end -}}

{{/* Not empty where BGP peers connect to a port that only a right opens. */}}
{{- define "fairlead.hasLowPort" -}}
{{- $mode := dig "podNetwork" "mode" "none" .Values.agent -}}
{{- if or (dig "bgp" "enabled" false .Values.agent) (eq $mode "bgp") -}}
{{- if lt (int (dig "bgp" "listenPort" 179 .Values.agent)) 1024 }}yes{{ end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.cniConfDirectory" -}}
{{- dig "podNetwork" "cniConfDirectory" "/etc/cni/net.d" .Values.agent -}}
{{- end -}}

{{/* Where the container sees the host's cgroups: its own are at /sys/fs/cgroup. */}}
{{- define "fairlead.cgroup" -}}
{{- default "/run/fairlead-cgroup" .Values.agent.cgroup -}}
{{- end -}}

{{/* The agent's configuration file: values.agent under its kind. */}}
{{- define "fairlead.agentConfiguration" -}}
{{- $configuration := dict "apiVersion" "fairlead.io/v1alpha1" "kind" "AgentConfiguration" -}}
{{- if include "fairlead.hasEbpf" . -}}
{{- $_ := set $configuration "cgroup" (include "fairlead.cgroup" .) -}}
{{- end -}}
{{- toYaml (merge $configuration (deepCopy .Values.agent)) -}}
{{- end -}}

{{/* The port of "0.0.0.0:10256" or "[::]:10256". */}}
{{- define "fairlead.portOf" -}}
{{- regexFind "[0-9]+$" . -}}
{{- end -}}

{{/* The host by which the kubelet reaches a bind address; nothing where it is every address. */}}
{{- define "fairlead.probeHost" -}}
{{- $host := regexReplaceAll ":[0-9]+$" . "" | trimPrefix "[" | trimSuffix "]" -}}
{{- if not (has $host (list "0.0.0.0" "::")) -}}{{ $host }}{{- end -}}
{{- end -}}
