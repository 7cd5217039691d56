{{/*
Files of Secrets and ConfigMaps, and for a dispatcher a place for what must stand behind the results in the file of an export: some
100 to 300 bytes for each result. Takes {root, component}.
*/}}
{{- define "runmill.mounts" -}}
{{- $tls := and (eq .component "dispatcher") .root.Values.dispatcher.tlsSecret -}}
{{- $scratch := eq .component "dispatcher" -}}
{{- if or .root.Values.mounts $scratch -}}
volumeMounts:
  {{- range .root.Values.mounts }}
  - {name: {{ .name }}, mountPath: {{ .path }}, readOnly: true}
  {{- end }}
  {{- if $tls }}
  - {name: api-tls, mountPath: /etc/runmill/api-tls, readOnly: true}
  {{- end }}
  {{- if $scratch }}
  - {name: scratch, mountPath: /tmp}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "runmill.volumes" -}}
{{- $tls := and (eq .component "dispatcher") .root.Values.dispatcher.tlsSecret -}}
{{- $scratch := eq .component "dispatcher" -}}
{{- if or .root.Values.mounts $scratch -}}
volumes:
  {{- range .root.Values.mounts }}
  - name: {{ .name }}
    {{- if .secret }}
    secret: {secretName: {{ .secret }}, defaultMode: 0440}
    {{- else }}
    configMap: {name: {{ .configMap }}}
    {{- end }}
  {{- end }}
  {{- if $tls }}
  - name: api-tls
    secret: {secretName: {{ $tls }}, defaultMode: 0440}
  {{- end }}
  {{- if $scratch }}
  - name: scratch
    emptyDir: {sizeLimit: 8Gi}
  {{- end }}
{{- end }}
{{- end -}}
