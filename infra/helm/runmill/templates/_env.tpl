{{/*
Environment of a service. Takes {root, service, own, required, optional}: the service's values, the variables that the chart
itself sets, and the keys of the Secret. Helm reads numbers as floats, and would print a million as 1e+06.
*/}}
{{- define "runmill.env" -}}
{{- $secret := include "runmill.secret" .root -}}
{{- range $name, $value := mergeOverwrite (dict) .root.Values.config .service.config .own }}
- name: {{ $name }}
  value: {{ if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ int64 $value | quote }}{{ else }}{{ toString $value | quote }}{{ end }}
{{- end }}
{{- range .required }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}
{{- end }}
{{- range .optional }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}, optional: true}}
{{- end }}
{{- end -}}
