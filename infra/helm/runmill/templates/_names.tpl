{{/* Name of the chart, and the prefix of all objects. */}}
{{- define "runmill.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "runmill.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "runmill.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "runmill.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of a component. Takes {root, component}. */}}
{{- define "runmill.selector" -}}
app.kubernetes.io/name: {{ include "runmill.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of an object. Takes {root, component}. */}}
{{- define "runmill.labels" -}}
{{ include "runmill.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Name and labels of an object of a component. Takes {root, component}. */}}
{{- define "runmill.metadata" -}}
name: {{ include "runmill.fullname" .root }}-{{ .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "runmill.labels" . | nindent 2 }}
{{- end -}}

{{- define "runmill.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with the services' secrets. The trial makes one; otherwise there must be one before. */}}
{{- define "runmill.secret" -}}
{{- if .Values.trial.enabled -}}
{{- if .Values.existingSecret -}}
{{- fail "existingSecret must be empty where trial.enabled is true, because the trial makes its own Secret" -}}
{{- end -}}
{{- include "runmill.fullname" . }}-trial
{{- else -}}
{{- required "existingSecret is required unless trial.enabled is true: name a Secret with the keys DATABASE_URL, AMQP_URL, ENCRYPTION_KEY and RUNMILL_TOKENS" .Values.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* URL of the API within the cluster. */}}
{{- define "runmill.apiUrl" -}}
{{- $scheme := ternary "https" "http" (ne .Values.dispatcher.tlsSecret "") -}}
{{ $scheme }}://{{ include "runmill.fullname" . }}-dispatcher.{{ .Release.Namespace }}.svc:{{ int .Values.dispatcher.service.port }}
{{- end -}}

{{/* When the database is migrated. The trial's does not exist before an installation; its services migrate it when they start. */}}
{{- define "runmill.migrationHook" -}}
{{- ternary "pre-upgrade" "pre-install,pre-upgrade" .Values.trial.enabled -}}
{{- end -}}
