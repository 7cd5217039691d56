{{/* Egress to the name servers. */}}
{{- define "runmill.toDns" -}}
{{- with .Values.networkPolicy.dns -}}
- to:
    {{- toYaml .to | nindent 4 }}
  ports:
    {{- range .ports }}
    - {port: {{ int . }}, protocol: UDP}
    - {port: {{ int . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- end -}}

{{/* Egress to a server. Takes {root, to, port, trial}: `trial` is the component of the trial's own server. */}}
{{- define "runmill.toServer" -}}
- ports:
    - {port: {{ int .port }}, protocol: TCP}
  {{- if .root.Values.trial.enabled }}
  to:
    - podSelector:
        matchLabels:
          {{- include "runmill.selector" (dict "root" .root "component" .trial) | nindent 10 }}
  {{- else if .to }}
  to:
    {{- toYaml .to | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "runmill.toDatabase" -}}
{{- with .Values.networkPolicy.database -}}
{{- include "runmill.toServer" (dict "root" $ "to" .to "port" (ternary 5432 .port $.Values.trial.enabled) "trial" "postgresql") -}}
{{- end -}}
{{- end -}}

{{- define "runmill.toBroker" -}}
{{- with .Values.networkPolicy.broker -}}
{{- include "runmill.toServer" (dict "root" $ "to" .to "port" (ternary 5672 .port $.Values.trial.enabled) "trial" "rabbitmq") -}}
{{- end -}}
{{- end -}}

{{/* Egress to the collector of traces, if there is one. */}}
{{- define "runmill.toCollector" -}}
{{- if or .Values.config.OTEL_EXPORTER_OTLP_ENDPOINT .Values.config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT -}}
{{- with .Values.networkPolicy.collector -}}
- ports:
    - {port: {{ int .port }}, protocol: TCP}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Ingress of the port of health and metrics. */}}
{{- define "runmill.fromMetrics" -}}
- ports:
    - {port: ops, protocol: TCP}
  {{- with .Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
