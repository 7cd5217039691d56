{{/*
Pod of a service. Takes {root, component, service, own, required, optional, ports, preStopSeconds}. The probes ask the port of
health and metrics, which a flood of the API's port does not reach.
*/}}
{{- define "runmill.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- mergeOverwrite (dict) .service.podLabels (include "runmill.labels" . | fromYaml) | toYaml | nindent 4 }}
  {{- with .service.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "runmill.podSettings" . | nindent 2 }}
  # Longer than the drain, so that the service is not killed while it drains.
  terminationGracePeriodSeconds: {{ add (int .service.drainSeconds) (int .preStopSeconds) 30 }}
  containers:
    - name: {{ .component }}
      image: {{ include "runmill.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ .component }}]
      env:
        {{- $own := dict "RUNMILL_OPS_LISTEN" (printf "%s:9090" $values.bindAddress) "RUNMILL_DRAIN_TIMEOUT_SECONDS" .service.drainSeconds }}
        {{- include "runmill.env" (mergeOverwrite (dict) . (dict "own" (merge $own .own))) | trim | nindent 8 }}
      ports:
        - {name: ops, containerPort: 9090}
        {{- range $name, $port := .ports }}
        - {name: {{ $name }}, containerPort: {{ $port }}}
        {{- end }}
      # A service answers once it has connected and the schema is up to date, for which a migration may need minutes.
      startupProbe:
        httpGet: {path: /healthz, port: ops}
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 300
      livenessProbe:
        httpGet: {path: /healthz, port: ops}
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: ops}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- if .preStopSeconds }}
      # Kubernetes takes the pod from its load balancers while it sends SIGTERM, upon which the API accepts no new connections.
      # This sleep comes before SIGTERM, so that no client is refused meanwhile. The other services need none: nobody
      # connects to them, and the broker gives their work to others when their subscriptions end.
      lifecycle:
        preStop:
          sleep: {seconds: {{ int .preStopSeconds }}}
      {{- end }}
      resources:
        {{- toYaml .service.resources | nindent 8 }}
      securityContext:
        {{- include "runmill.containerSecurity" . | nindent 8 }}
      {{- include "runmill.mounts" . | nindent 6 }}
  {{- include "runmill.volumes" . | nindent 2 }}
{{- end -}}

{{/* Settings of the pods of services and of the migration. */}}
{{- define "runmill.podSettings" -}}
automountServiceAccountToken: false
# Kubernetes would add variables such as RUNMILL_DISPATCHER_PORT, which runmill refuses as unknown.
enableServiceLinks: false
{{- with .root.Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "runmill.podSecurity" 10001 | nindent 2 }}
{{- with .service.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .service.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .service.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .root.Values.topologySpread.enabled (ne .component "migrate") }}
topologySpreadConstraints:
  {{- range .root.Values.topologySpread.keys }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: {{ $.root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "runmill.selector" $ | nindent 8 }}
    # The pods of the release before do not count in a rolling update.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end -}}
