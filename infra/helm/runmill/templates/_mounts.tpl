{{/* Files of Secrets and ConfigMaps. Takes {root, component}. */}}
{{- define "runmill.mounts" -}}
{{- $tls := and (eq .component "dispatcher") .root.Values.dispatcher.tlsSecret -}}
{{- if or .root.Values.mounts $tls -}}
volumeMounts:
  {{- range .root.Values.mounts }}
  - {name: {{ .name }}, mountPath: {{ .path }}, readOnly: true}
  {{- end }}
  {{- if $tls }}
  - {name: api-tls, mountPath: /etc/runmill/api-tls, readOnly: true}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "runmill.volumes" -}}
{{- $tls := and (eq .component "dispatcher") .root.Values.dispatcher.tlsSecret -}}
{{- if or .root.Values.mounts $tls -}}
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
{{- end }}
{{- end -}}
